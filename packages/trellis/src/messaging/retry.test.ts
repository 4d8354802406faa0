import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FAULT_CODES, Fault, type Random } from '../kernel/index.ts'
import { backoff } from './retry.ts'

const always = (value: number): Random => ({
  next: () => value,
  bytes: length => new Uint8Array(length),
  id: () => 'id',
})
const down = new Fault('unavailable', 'Down.')

describe('backoff', () => {
  test('the bound of the pause doubles from 100 ms up to a minute', () => {
    const policy = backoff()
    const bounds = [1, 2, 3, 10, 11, 39].map(attempt => policy(down, attempt, always(0.999_999)))
    assert.deepEqual(
      bounds.map(decision => decision.kind === 'retry' && decision.delayMs),
      [100, 200, 400, 51_200, 60_000, 60_000],
    )
  })

  test('a dependency that is down for a night makes no dead letter', () => {
    const policy = backoff()
    let elapsedMs = 0
    for (let attempt = 1; ; attempt++) {
      const decision = policy(down, attempt, always(0.5))
      if (decision.kind === 'dead-letter') break
      elapsedMs += decision.delayMs
    }
    assert.ok(elapsedMs > 16 * 3_600_000, `gave up after ${elapsedMs} ms`)
  })

  test('what the message itself is to blame for is tried four times', () => {
    const policy = backoff()
    const refused = new Fault('failed_precondition', 'No.')
    assert.equal(policy(refused, 3, always(0)).kind, 'retry')
    assert.equal(policy(refused, 4, always(0)).kind, 'dead-letter')
  })

  test('a hint when to come again is kept to', () => {
    const busy = new Fault('resource_exhausted', 'Busy.', { retryAfterMs: 5_000 })
    assert.deepEqual(backoff()(busy, 1, always(0)), { kind: 'retry', delayMs: 5_000 })
  })

  test('every fault ends as a dead letter, and no pause leaves its bounds', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FAULT_CODES),
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (code, attempt, chance) => {
          const decision = backoff()(new Fault(code, 'x'), attempt, always(chance))
          if (decision.kind === 'retry') assert.ok(decision.delayMs >= 0 && decision.delayMs <= 60_000)
          else assert.ok(attempt >= 4)
        },
      ),
    )
  })

  test('limits that make no sense are refused', () => {
    assert.throws(() => backoff({ awayAttempts: 0 }), RangeError)
    assert.throws(() => backoff({ transientAttempts: 0 }), RangeError)
    assert.throws(() => backoff({ baseMs: 10, maxMs: 5 }), RangeError)
  })
})
