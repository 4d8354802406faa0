import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createRuntime } from '../../kernel/index.ts'
import { openSqlite } from './sqlite.ts'

test('a committed row is there after the store was closed and opened again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-store-'))
  const path = join(folder, 'new', 'a.db')
  const runtime = createRuntime()
  {
    await using store = await openSqlite(runtime, { path })
    await store.transaction(async tx => {
      await tx.run('create table t (id integer primary key, name text)')
      await tx.run('insert into t (id, name) values (?, ?)', 1, 'one')
    })
  }
  await using store = await openSqlite(runtime, { path })
  assert.deepEqual(await store.reader.all('select * from t'), [{ id: 1, name: 'one' }])
  await rm(folder, { recursive: true })
})

test('a query for all columns has those that another process has added since', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-store-'))
  const path = join(folder, 'a.db')
  const runtime = createRuntime()
  {
    await using store = await openSqlite(runtime, { path })
    await using other = await openSqlite(runtime, { path })
    await store.transaction(async tx => {
      await tx.run('create table t (id integer primary key, name text)')
      await tx.run('insert into t (id, name) values (?, ?)', 1, 'one')
    })
    assert.deepEqual(await store.reader.get('select * from t'), { id: 1, name: 'one' })
    await other.transaction(async tx => {
      await tx.run('alter table t rename column name to title')
      await tx.run('alter table t add column size integer')
    })
    assert.deepEqual(await store.reader.get('select * from t'), { id: 1, title: 'one', size: null })
    assert.deepEqual(await store.reader.all('select t.*, id as again from t'), [
      { id: 1, title: 'one', size: null, again: 1 },
    ])
  }
  await rm(folder, { recursive: true })
})

test('options that make no sense are refused with what would', async () => {
  const runtime = createRuntime()
  await assert.rejects(openSqlite(runtime, { path: ':memory:' }), /needs a file/)
  await assert.rejects(openSqlite(runtime, { path: 'x.db', busyTimeoutMs: -1 }), /busyTimeoutMs is -1/)
  await assert.rejects(openSqlite(runtime, { path: 'x.db', rerunProbability: 1 }), /rerunProbability is 1/)
})
