import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { coerceText } from './coerce.ts'
import { resolveShape } from './shape.ts'
import { shapeOf } from './shape-of.ts'

const shape = resolveShape(shapeOf(z.object({ i: z.int(), n: z.number(), b: z.boolean(), s: z.string() })))
const read = (name: string, text: string): unknown =>
  shape.kind === 'object' ? coerceText(text, shape.members.get(name)!.shape) : assert.fail()

test('reads back every integer, number, boolean and text that was written', () => {
  fc.assert(fc.property(fc.maxSafeInteger(), value => assert.equal(read('i', String(value)), value)))
  const numbers = fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => value + 0)
  fc.assert(fc.property(numbers, value => assert.equal(read('n', String(value)), Object.is(value, -0) ? 0 : value)))
  fc.assert(fc.property(fc.boolean(), value => assert.equal(read('b', String(value)), value)))
  fc.assert(fc.property(fc.string(), value => assert.equal(read('s', value), value)))
})

test('reads no integer from another spelling', () => {
  for (const text of [
    '',
    ' 1',
    '1 ',
    '+1',
    '01',
    '-0',
    '1.0',
    '1e3',
    '0x10',
    '1_000',
    '１',
    'NaN',
    '12345678901234567',
  ]) {
    assert.equal(read('i', text), text)
  }
})

test('reads an integer from nothing but its one spelling', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      const value = read('i', text)
      if (typeof value === 'number') assert.equal(String(value), text)
    }),
  )
})

test('reads no number and no boolean from another spelling', () => {
  for (const text of ['', '.5', '5.', '0x1', 'Infinity', ' 1']) assert.equal(read('n', text), text)
  for (const text of ['', '1', 'TRUE', 'yes']) assert.equal(read('b', text), text)
})
