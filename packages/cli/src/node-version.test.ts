import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tooOld } from './node-version.ts'

test('a Node that is too old is told which one is needed', () => {
  for (const version of ['18.20.4', '20.0.0', '24.5.9']) {
    assert.equal(
      tooOld(version),
      `trellis needs Node 24.6 or newer, and this is ${version}. Install a newer Node, then run this again.`,
    )
  }
})

test('a Node that will do is told nothing', () => {
  for (const version of ['24.6.0', '24.10.1', '25.0.0', '26.10.0']) assert.equal(tooOld(version), undefined)
})
