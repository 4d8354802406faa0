import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Random } from '../kernel/index.ts'
import { constant, exponential } from './backoff.ts'

const chance = (value: number): Random => ({ next: () => value, bytes: length => new Uint8Array(length), id: () => '' })

describe('exponential', () => {
  test('doubles the upper bound until the longest wait', () => {
    const backoff = exponential({ baseMs: 50, maxMs: 300 })
    const bounds = [1, 2, 3, 4, 5].map(attempt => backoff.delayMs(attempt, chance(1)))
    assert.deepEqual(bounds, [50, 100, 200, 300, 300])
  })

  test('waits a random part of the bound, whatever the attempt', () => {
    const backoff = exponential({ baseMs: 50, maxMs: 2_000 })
    const attempt = fc.integer({ min: 1, max: 1e9 })
    const part = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(attempt, part, (n, x) => {
        const delay = backoff.delayMs(n, chance(x))
        assert.ok(delay >= 0 && delay <= 2_000)
      }),
    )
    assert.equal(backoff.delayMs(2, chance(0.25)), 25)
  })

  test('refuses what is no duration', () => {
    assert.throws(() => exponential({ baseMs: -1 }), RangeError)
    assert.throws(() => exponential({ maxMs: Number.NaN }), RangeError)
    assert.throws(() => constant(Number.POSITIVE_INFINITY), RangeError)
  })
})

test('constant always waits the same', () => {
  assert.equal(constant(70).delayMs(9, chance(0.1)), 70)
})
