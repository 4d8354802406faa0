import assert from 'node:assert/strict'
import { test } from 'node:test'
import { columns, harmless } from './terminal.ts'

test('what customers wrote can not steer the terminal of who reads it', () => {
  const evil = 'a\u001b[2Jb\u009b31mc\u202ed\re\u0000'
  assert.equal(harmless(evil), 'a\\u001b[2Jb\\u009b31mc\\u202ed\\u000de\\u0000')
  assert.equal(harmless('two\nlines,\ta tab, Grüße 你好 🙂'), 'two\nlines,\ta tab, Grüße 你好 🙂')
})

test('JSON stays the same JSON', () => {
  const value = { name: 'x\u009by\u202ez' }
  assert.deepEqual(JSON.parse(harmless(JSON.stringify(value))), value)
})

test('columns are as wide as their longest cell', () => {
  assert.deepEqual(
    columns(
      [
        ['a', 'b'],
        ['long', 'c'],
      ],
      ' ',
    ),
    [' a     b', ' long  c'],
  )
})
