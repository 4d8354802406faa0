import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isFault } from 'trellis/kernel'
import { decodeCursor, decodeNumericCursor, encodeCursor } from './cursor.ts'

test('a cursor gives back the position that was put into it', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), position => {
      assert.equal(decodeCursor(encodeCursor(position)), position)
    }),
  )
})

test('a cursor fits into a URL as it is', () => {
  fc.assert(fc.property(fc.string({ minLength: 1 }), position => assert.match(encodeCursor(position), /^[\w-]+$/)))
})

test('what is no cursor is an invalid argument', () => {
  for (const cursor of ['', '!', 'cC0wMDI=', ' cC0wMDI', 'cC0wMD J', 'x'])
    assert.throws(
      () => decodeCursor(cursor),
      error => isFault(error, 'INVALID_CURSOR') && error.code === 'invalid_argument',
      cursor,
    )
})

test('a cursor of numbers has a number and nothing else', () => {
  assert.equal(decodeNumericCursor(encodeCursor('17')), 17)
  for (const position of ['x', '1e3', '-1', '0', '01', '1.5', '99999999999999999'])
    assert.throws(
      () => decodeNumericCursor(encodeCursor(position)),
      error => isFault(error, 'INVALID_CURSOR'),
      position,
    )
})
