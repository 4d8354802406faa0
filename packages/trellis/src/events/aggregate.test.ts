import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { aggregate } from './aggregate.ts'

const options = {
  name: 'order',
  events: { Created: z.object({ total: z.number() }) },
  starts: ['Created'] as const,
  initialState: () => 0,
  decide: (total: number) => ({ type: 'Created', data: { total } }) as const,
  evolve: (_: number, event: { readonly data: { readonly total: number } }) => event.data.total,
}

test('a definition is frozen data', () => {
  assert.ok(Object.isFrozen(aggregate(options)))
})

test('names that can not be stored are refused', () => {
  for (const name of ['', 'Order', 'an order', '1st', 'x'.repeat(65)]) {
    assert.throws(() => aggregate({ ...options, name }), /The aggregate's name is/)
  }
})

test('starts and upcasters must be of declared events', () => {
  assert.throws(() => aggregate({ ...options, starts: [] }), /names no event that may come first/)
  assert.throws(() => aggregate({ ...options, starts: ['Closed' as 'Created'] }), /order has no event Closed/)
  assert.throws(() => aggregate({ ...options, upcasters: { Closed: [] } as object }), /order has no event Closed/)
})
