import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Account } from '../testing/conformance/account.ts'
import { projection } from './projection.ts'

const options = { from: [Account], tables: { balance: () => [] }, apply: async () => undefined }

test('a projection is inline and of version 1 unless it says otherwise', () => {
  const { mode, version } = projection('balances', options)
  assert.deepEqual([mode, version], ['inline', 1])
})

test('names that can not be a table or a key are refused', () => {
  assert.throws(() => projection('Order List', options), /The projection's name is "Order List"/)
  for (const table of ['Balance', 'a-b', 'a b', 'x"; drop table y', 'x'.repeat(41)]) {
    assert.throws(() => projection('p', { ...options, tables: { [table]: () => [] } }), /p has a table/)
  }
})

test('a projection without tables, sources or a version is a mistake', () => {
  assert.throws(() => projection('p', { ...options, tables: {} }), /p has no table/)
  assert.throws(() => projection('p', { ...options, from: [] }), /p takes events from nowhere/)
  assert.throws(() => projection('p', { ...options, version: 0 }), /The version of p is 0/)
})
