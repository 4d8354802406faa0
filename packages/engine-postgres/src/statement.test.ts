import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Statements } from './statement.ts'

test('placeholders become numbered ones, except in quotes and comments', () => {
  const text = `select '?' as "a?", b from t /* ? */ where c = ? and d in (?, ?) -- ?`
  const { text: rewritten } = new Statements().prepare(text, [1, 2, 3])
  assert.equal(rewritten, `select '?' as "a?", b from t /* ? */ where c = $1 and d in ($2, $3) -- ?`)
})

test('one text is prepared under one name, and schema changes under none', () => {
  const statements = new Statements()
  const first = statements.prepare('select 1', [])
  assert.equal(statements.prepare('select 1', []), first)
  assert.notEqual(statements.prepare('select 2', []).name, first.name)
  assert.equal(statements.prepare('create table t (a bigint)', []).name, undefined)
})

test('beyond 500 texts nothing more is kept prepared on the server', () => {
  const statements = new Statements()
  for (let i = 0; i < 500; i++) assert.notEqual(statements.prepare(`select ${i}`, []).name, undefined)
  assert.equal(statements.prepare('select 500', []).name, undefined)
})
