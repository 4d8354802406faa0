import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAULT_CODES, Fault, isFault, isFaultCode, markRetried } from './fault.ts'

test('the reason of a fault is its code in upper case unless it has its own', () => {
  assert.equal(new Fault('not_found', 'No such order.').reason, 'NOT_FOUND')
  assert.equal(new Fault('not_found', 'No such order.', { reason: 'UNKNOWN_ORDER' }).reason, 'UNKNOWN_ORDER')
})

test('only unavailable and resource_exhausted are retryable by default', () => {
  const retryable = FAULT_CODES.filter(code => new Fault(code, 'x').retryable)
  assert.deepEqual(retryable, ['resource_exhausted', 'unavailable'])
  assert.equal(new Fault('unavailable', 'x', { retryable: false }).retryable, false)
  assert.equal(new Fault('aborted', 'x', { retryable: true }).retryable, true)
})

test('a fault is an Error with a stack, a message and its cause', () => {
  const cause = new Error('disk')
  const fault = new Fault('internal', 'Try later.', { cause })
  assert.ok(fault instanceof Error)
  assert.equal(String(fault), 'Fault: Try later.')
  assert.match(fault.stack ?? '', /fault\.test\.ts/)
  assert.equal(fault.cause, cause)
  assert.equal('cause' in new Fault('internal', 'Try later.'), false)
})

test('from leaves a fault as it is', () => {
  const fault = new Fault('aborted', 'x')
  assert.equal(Fault.from(fault), fault)
})

test('from hides whatever else was thrown behind internal', () => {
  for (const thrown of [new Error('password=x'), 'text', undefined, null, 7, { reason: 'NOT_FOUND' }]) {
    const fault = Fault.from(thrown)
    assert.equal(fault.code, 'internal')
    assert.equal(fault.reason, 'INTERNAL')
    assert.equal(fault.cause, thrown)
    assert.doesNotMatch(JSON.stringify({ ...fault, message: fault.message, cause: undefined }), /password/)
  }
})

test('a fault is known by its brand, also from another copy of the module', async () => {
  const copy: typeof import('./fault.ts') = await import(`./fault.ts?copy=${1}`)
  const foreign = new copy.Fault('not_found', 'x', { reason: 'GONE' })
  assert.notEqual(copy.Fault, Fault)
  assert.ok(isFault(foreign))
  assert.ok(isFault(foreign, 'GONE'))
  assert.equal(isFault(foreign, 'HERE'), false)
  assert.equal(Fault.from(foreign), foreign)
})

test('what only looks like a fault is none', () => {
  for (const value of [undefined, null, 'not_found', new Error('x'), { code: 'not_found', reason: 'NOT_FOUND' }]) {
    assert.equal(isFault(value), false)
  }
})

test('the canonical codes are known, and nothing else is', () => {
  assert.equal(FAULT_CODES.length, 16)
  for (const code of FAULT_CODES) assert.ok(isFaultCode(code))
  for (const value of ['NOT_FOUND', 'ok', '', 'constructor', 5, undefined]) assert.equal(isFaultCode(value), false)
})

test('a fault marked as retried is otherwise the same', () => {
  const details = { orderId: 'o-1' }
  const fault = new Fault('unavailable', 'Try later.', { reason: 'BUSY', details, retryAfterMs: 50, retryable: false })
  const marked = markRetried(fault)
  const { retried, ...rest } = marked
  assert.equal(retried, true)
  assert.deepEqual(
    { ...rest, cause: undefined, retried: false, message: marked.message },
    { ...fault, cause: undefined, message: fault.message },
  )
  assert.equal(marked.cause, fault)
  assert.equal(markRetried(marked), marked)
})
