import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Instance } from '../discovery.ts'
import { roundRobin } from './round-robin.ts'

const of = (id: string): Instance => ({ id, service: 's', address: { host: 'h', port: 1 }, metadata: {} })
const NONE: ReadonlySet<string> = new Set()

test('each instance gets its turn', () => {
  const balancer = roundRobin(() => 0)
  const instances = ['a', 'b', 'c'].map(of)
  const picked = Array.from({ length: 6 }, () => balancer.pick(instances, NONE).instance.id)
  assert.equal(picked.join(''), 'abcabc')
})

test('what failed this call is passed over while there is another', () => {
  const balancer = roundRobin(() => 0)
  const instances = ['a', 'b'].map(of)
  for (let call = 0; call < 4; call++) assert.equal(balancer.pick(instances, new Set(['a'])).instance.id, 'b')
})

test('when everything has failed, the turn goes on', () => {
  const balancer = roundRobin(() => 0)
  const instances = ['a', 'b'].map(of)
  const avoid = new Set(['a', 'b'])
  assert.deepEqual(
    [1, 2].map(() => balancer.pick(instances, avoid).instance.id),
    ['a', 'b'],
  )
})

test('nothing to choose from is a mistake of the caller', () => {
  assert.throws(() => roundRobin(() => 0).pick([], NONE), RangeError)
})

test('whatever the start, n instances share k·n picks evenly', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 0.999999, noNaN: true }), fc.integer({ min: 1, max: 9 }), (start, count) => {
      const balancer = roundRobin(() => start)
      const instances = Array.from({ length: count }, (_, index) => of(`${index}`))
      const counts = new Map<string, number>()
      for (let pick = 0; pick < 3 * count; pick++) {
        const { id } = balancer.pick(instances, NONE).instance
        counts.set(id, (counts.get(id) ?? 0) + 1)
      }
      assert.deepEqual(
        [...counts.values()],
        Array.from({ length: count }, () => 3),
      )
    }),
  )
})
