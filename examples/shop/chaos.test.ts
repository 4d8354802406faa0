import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chaosRun } from './testing/chaos-run.ts'
import { allHold, invariantsTable } from './testing/invariants-table.ts'

test('ten kills, and nothing is lost, doubled or left undone', { timeout: 180_000 }, async () => {
  const { findings } = await chaosRun({ orders: 120, kills: 10, seed: 1 })
  assert(allHold(findings), `\n${invariantsTable(findings)}`)
})
