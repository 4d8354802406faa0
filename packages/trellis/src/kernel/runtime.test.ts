import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVirtualRuntime } from '../testing/index.ts'
import { sleep } from './runtime.ts'

test('sleep resolves after its time and takes its listener off the signal', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const controller = new AbortController()
  let awake = false
  void sleep(runtime, 100, controller.signal).then(() => {
    awake = true
  })
  await runtime.advance(99)
  assert.equal(awake, false)
  await runtime.advance(1)
  assert.equal(awake, true)
  controller.abort()
})

test('an aborted sleep rejects at once with the reason and leaves no timer', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const controller = new AbortController()
  const reason = new Error('enough')
  const slept = assert.rejects(sleep(runtime, 100, controller.signal), reason)
  controller.abort(reason)
  await slept
  assert.equal(runtime.pendingTimers, 0)
})

test('a sleep on an aborted signal never starts', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const reason = new Error('enough')
  await assert.rejects(sleep(runtime, 100, AbortSignal.abort(reason)), reason)
  assert.equal(runtime.pendingTimers, 0)
})
