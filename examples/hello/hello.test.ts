import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestSystem } from 'trellis/testing'
import { Greeter } from './contract.ts'
import system from './system.ts'

test('greets by name, and counts', async () => {
  await using running = await startTestSystem(system)
  const greeter = running.client(Greeter)
  await greeter.greet({ name: 'Ada' })
  assert.deepEqual(await greeter.greet({ name: 'Ada' }), { text: 'Hello, Ada.', times: 2 })
  await assert.rejects(greeter.greet({ name: '' }), { code: 'invalid_argument', reason: 'INVALID_INPUT' })
})
