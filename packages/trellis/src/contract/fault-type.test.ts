import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { Fault, isFault } from '../kernel/fault.ts'
import { fault, isRaised, raise } from './fault-type.ts'
import { codeOf, statusOf } from './http-status.ts'

const NotFound = fault({ code: 'not_found', reason: 'THING_NOT_FOUND', message: 'There is no such thing; list them.' })
const Short = fault({
  code: 'failed_precondition',
  reason: 'OUT_OF_STOCK',
  message: 'Too little is there; order less.',
  details: z.object({ available: z.int() }),
})

function thrown(work: () => never): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

test('a raised fault has what was declared', () => {
  const error = thrown(() => raise(NotFound))
  assert.ok(isFault(error, 'THING_NOT_FOUND'))
  assert.equal(error.code, 'not_found')
  assert.equal(error.message, NotFound.message)
  assert.equal(error.details, undefined)
})

test('a fault with details can not be raised without them', () => {
  // @ts-expect-error: details are missing
  assert.ok(isFault(thrown(() => raise(Short))))
  const cause = new Error('why')
  const error = thrown(() => raise(Short, { details: { available: 2 }, message: 'Only 2.', retryAfterMs: 5, cause }))
  assert.ok(isRaised(error, Short))
  assert.equal(error.details.available, 2)
  assert.deepEqual([error.message, error.retryAfterMs, error.cause], ['Only 2.', 5, cause])
})

test('the guard compares code, reason and details', () => {
  assert.equal(isRaised(new Fault('internal', 'x', { reason: 'THING_NOT_FOUND' }), NotFound), false)
  assert.equal(isRaised(new Fault('not_found', 'x'), NotFound), false)
  assert.equal(
    isRaised(new Fault('failed_precondition', 'x', { reason: 'OUT_OF_STOCK', details: { available: 'x' } }), Short),
    false,
  )
  assert.equal(isRaised(new Error('x'), NotFound), false)
  assert.equal(isRaised(undefined, NotFound), false)
})

test('a mistake in a declaration is refused', () => {
  const good = { code: 'not_found', reason: 'A_B', message: 'x' } as const
  assert.throws(() => fault({ ...good, code: 'gone' as never }), /16 fault codes/)
  for (const reason of ['notFound', 'A__B', '_A', '1A', ''])
    assert.throws(() => fault({ ...good, reason }), /UPPER_SNAKE/)
  assert.throws(() => fault({ ...good, message: '' }), /message/)
  assert.throws(() => fault({ ...good, details: z.object({ at: z.date() }) }), /A_B.*'at'/)
})

test('platform reasons fix their status, and statuses lead back to codes', () => {
  assert.equal(statusOf('failed_precondition'), 409)
  assert.equal(statusOf('failed_precondition', 'IDEMPOTENCY_KEY_REUSED'), 422)
  assert.equal(statusOf('resource_exhausted', 'BODY_TOO_LARGE'), 413)
  assert.equal(statusOf('invalid_argument', 'UNSUPPORTED_MEDIA_TYPE'), 415)
  assert.equal(codeOf(503), 'unavailable')
  assert.equal(codeOf(418), 'invalid_argument')
  assert.equal(codeOf(599), 'unknown')
})
