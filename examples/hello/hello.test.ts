import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestSystem } from 'trellis/testing'
import { Greeter } from './contract.ts'
import system from './system.ts'

test('greets by name, and counts', async () => {
  await using hello = await startTestSystem(system)
  const greeter = hello.client(Greeter)
  assert.deepEqual(await greeter.greet({ name: 'Ada' }), { text: 'Hello, Ada.', times: 1 })
  assert.deepEqual(await greeter.greet({ name: 'Ada' }), { text: 'Hello, Ada.', times: 2 })
})

test('says what is wrong with a name that is empty', async () => {
  await using hello = await startTestSystem(system)
  await assert.rejects(hello.client(Greeter).greet({ name: '' }), { code: 'invalid_argument', reason: 'INVALID_INPUT' })
})
