import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isFault } from '../kernel/index.ts'
import { checkShape, checkValues, shapeOf } from './sql.ts'

test('placeholders in quotes, names and comments are none', () => {
  const text = `select '?', 'it''s ?', "a?" -- ?\n from t /* ? */ where a = ? and b = ?`
  assert.deepEqual(shapeOf(text).placeholders, [text.indexOf('a = ?') + 4, text.indexOf('b = ?') + 4])
})

test('the first word tells the kind, past comments and in any case', () => {
  const kinds: Readonly<Record<string, string>> = {
    'select 1': 'select',
    '-- so\n  SELECT 1': 'select',
    '/* so */ Insert into t values (1)': 'write',
    'with a as (select 1) select * from a': 'write',
    'create table t (a integer)': 'schema',
    commit: 'control',
    'pragma user_version': 'control',
    '': 'control',
    '(select 1)': 'control',
  }
  for (const [text, kind] of Object.entries(kinds)) assert.equal(shapeOf(text).kind, kind, text)
})

test('a semicolon at the end is no second statement, text after it is', () => {
  assert.equal(shapeOf('select 1; -- done').refusal, undefined)
  assert.match(shapeOf('select 1; select 2').refusal ?? '', /several statements/)
  assert.equal(shapeOf("select ';' as a").refusal, undefined)
  assert.throws(
    () => checkShape('select 1;;drop table t', shapeOf('select 1;;drop table t')),
    error => isFault(error, 'SQL_ERROR'),
  )
})

test('an unfinished quote or comment ends with the text', () => {
  for (const text of ["select 'a?", 'select "a?', 'select 1 /* ?', 'select 1 -- ?'])
    assert.deepEqual(shapeOf(text).placeholders, [], text)
})

test('any quoted text holds no placeholder', () => {
  fc.assert(
    fc.property(fc.string(), content => {
      const text = `select '${content.replaceAll("'", "''")}' as a where b = ?`
      assert.deepEqual(shapeOf(text).placeholders, [text.length - 1])
      assert.equal(shapeOf(text).refusal, undefined)
    }),
  )
})

test('values are counted against placeholders', () => {
  const shape = shapeOf('select ?')
  assert.equal(checkValues('select ?', shape, ['four']), 4)
  assert.throws(() => checkValues('select ?', shape, []), /1 placeholders and was given 0 values/)
})
