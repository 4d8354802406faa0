import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { contract, unary } from '../contract/index.ts'
import { expose } from './expose.ts'
import { Books } from './gateway.test-fixture.ts'

describe('expose', () => {
  test('takes every operation with a route, save those for other services alone', () => {
    assert.deepEqual(expose(Books).operations, ['get', 'add', 'put', 'remove', 'notes', 'changes'])
  })

  test('takes some, or all but some', () => {
    assert.deepEqual(expose(Books, { only: ['get', 'add'] }).operations, ['get', 'add'])
    assert.deepEqual(expose(Books, { except: ['get', 'put', 'notes', 'changes'] }).operations, ['add', 'remove'])
  })

  test('refuses the name of what is not there or can not be exposed', () => {
    assert.throws(() => expose(Books, { only: ['audit'] }), /kit\.books\.v1\.Books\/audit can't be exposed/)
    assert.throws(() => expose(Books, { only: ['reindex'] }), TypeError)
    assert.throws(() => expose(Books, { except: ['nothing' as 'get'] }), TypeError)
  })

  test('refuses to say both, and to expose nothing', () => {
    assert.throws(() => expose(Books, { only: ['get'], except: ['put'] }), /keep one/)
    assert.throws(() => expose(Books, { only: [] }), /Nothing of/)
    const hidden = contract('kit.hidden.v1.Hidden', {
      run: unary({ input: z.object({}), output: z.object({}), allow: 'internal' }),
    })
    assert.throws(() => expose(hidden), /Nothing of/)
  })

  test('refuses a limit that is none', () => {
    for (const maxBodyBytes of [-1, 0.5, Number.NaN]) assert.throws(() => expose(Books, { maxBodyBytes }), RangeError)
  })
})
