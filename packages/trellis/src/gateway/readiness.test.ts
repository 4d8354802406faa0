import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../kernel/index.ts'
import { createReadiness } from './readiness.ts'
import type { Upstream } from './upstream.ts'

test('is ready once every service was seen, and then as long as one is there', async () => {
  const there = new Set<string>()
  const upstream = (name: string): Upstream => ({
    forward: () => undefined,
    check: () =>
      there.has(name) ? Promise.resolve() : Promise.reject(new Fault('unavailable', 'away', { reason: 'NO_INSTANCE' })),
  })
  const ready = createReadiness(
    new Map([
      ['orders', upstream('orders')],
      ['users', upstream('users')],
    ]),
  )
  await assert.rejects(ready(), /orders, users/)
  there.add('users')
  await assert.rejects(ready(), /orders is known/)
  there.add('orders').delete('users')
  await ready()
  there.clear()
  await assert.rejects(ready(), /orders, users/)
  there.add('users')
  await ready()
})

test('is ready when there is nothing to wait for', async () => {
  await createReadiness(new Map())()
})
