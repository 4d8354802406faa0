import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallContext, Fault, isFault } from 'trellis/kernel'
import { createVirtualRuntime } from 'trellis/testing'
import { Bell } from './bell.ts'

const runtime = createVirtualRuntime({ seed: 1 })
const gone = new Fault('cancelled', 'The caller went away.', { reason: 'CALLER_GONE' })

test('a ring wakes all who wait for that name, and nobody else', async () => {
  const bell = new Bell()
  let other = false
  const waits = [1, 2].map(() => bell.next('ada', new CallContext(runtime)))
  void bell.next('bob', new CallContext(runtime)).then(() => {
    other = true
  })
  bell.ring('ada')
  await Promise.all(waits)
  assert.equal(other, false)
})

test('who hears no ring looks again after a second', async () => {
  await runtime.run(new Bell().next('ada', new CallContext(runtime)))
})

test('a caller that leaves ends its wait', async () => {
  const ctx = new CallContext(runtime)
  const wait = new Bell().next('ada', ctx)
  ctx.cancel(gone)
  await assert.rejects(wait, fault => isFault(fault, 'CALLER_GONE'))
})

test('a wait that nobody looks at any more harms nobody when its caller leaves', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  const ctx = new CallContext(runtime)
  void new Bell().next('ada', ctx)
  ctx.cancel(gone)
  await new Promise(resolve => setImmediate(resolve))
  process.off('unhandledRejection', note)
  assert.deepEqual(unhandled, [])
})
