import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from 'trellis/kernel'
import { Slots } from './slots.ts'

const aborted = (): Fault => new Fault('cancelled', 'given up')

test('who waits enters in order', async () => {
  const slots = new Slots(1, 10)
  const order: number[] = []
  await slots.enter(undefined, aborted)
  const waiting = [1, 2, 3].map(i => slots.enter(undefined, aborted).then(() => order.push(i)))
  for (let i = 0; i < 3; i++) slots.leave()
  await Promise.all(waiting)
  assert.deepEqual(order, [1, 2, 3])
})

test('who gives up while waiting takes no slot', async () => {
  const slots = new Slots(1, 10)
  await slots.enter(undefined, aborted)
  const caller = new AbortController()
  const gone = slots.enter(caller.signal, aborted)
  const next = slots.enter(undefined, aborted)
  caller.abort()
  await assert.rejects(gone, /given up/)
  slots.leave()
  await next
  slots.leave()
  await slots.idle()
})

test('a full queue refuses at once', async () => {
  const slots = new Slots(1, 0)
  await slots.enter(undefined, aborted)
  await assert.rejects(slots.enter(undefined, aborted), /try again/)
})
