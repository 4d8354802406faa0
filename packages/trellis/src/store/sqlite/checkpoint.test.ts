import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { createRuntime } from '../../kernel/index.ts'
import { openSqlite, type SqliteOptions } from './sqlite.ts'

async function loaded(
  options: Partial<SqliteOptions>,
  transactions: number,
): Promise<{
  readonly workers: Worker[]
  readonly longestLog: number
  readonly rows: number
  dispose(): Promise<void>
}> {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-checkpoint-'))
  const path = join(folder, 'store.db')
  const workers: Worker[] = []
  const onWorker = (worker: Worker): void => void workers.push(worker)
  process.on('worker', onWorker)
  const store = await openSqlite(createRuntime({ timeScale: 1 / 50 }), { path, ...options })
  await store.transaction(tx => tx.run('create table t (id integer primary key, filler text)'))
  let longestLog = 0
  let next = 0
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (next < transactions) {
        const id = next++
        await store.transaction(tx => tx.run('insert into t (id, filler) values (?, ?)', id, 'x'.repeat(2_000)))
        if (id % 50 === 0) longestLog = Math.max(longestLog, (await stat(`${path}-wal`)).size)
      }
    }),
  )
  const row = await store.reader.get<{ n: number }>('select count(*) as n from t')
  return {
    workers,
    longestLog,
    rows: row?.n ?? 0,
    async dispose() {
      await store[Symbol.asyncDispose]()
      process.off('worker', onWorker)
      await rm(folder, { recursive: true })
    },
  }
}

test('the log stays short under steady load', async () => {
  const run = await loaded({ checkpointBytes: 262_144 }, 4_000)
  assert.equal(run.rows, 4_000)
  assert.ok(run.workers.length >= 1)
  // All of it would be more than 16 MB.
  assert.ok(run.longestLog < 262_144 * 6, `${run.longestLog} bytes`)
  await run.dispose()
})

test('a process that writes little starts no thread', async () => {
  const run = await loaded({}, 100)
  assert.equal(run.workers.length, 0)
  await run.dispose()
})

test('the thread ends when it has been idle', { timeout: 20_000 }, async () => {
  const run = await loaded({ checkpointBytes: 262_144 }, 500)
  const worker = run.workers.at(-1)
  assert.ok(worker !== undefined)
  if (worker.threadId !== -1) await new Promise(resolve => worker.once('exit', resolve))
  await run.dispose()
})

test('a checkpoint whose thread dies is tried again, and no transaction fails for it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-checkpoint-'))
  const path = join(folder, 'store.db')
  const workers: Worker[] = []
  const onWorker = (worker: Worker): void => {
    workers.push(worker)
    if (workers.length <= 2) void worker.terminate()
  }
  process.on('worker', onWorker)
  const store = await openSqlite(createRuntime({ timeScale: 1 / 50 }), { path, checkpointBytes: 131_072 })
  await store.transaction(tx => tx.run('create table t (id integer primary key, filler text)'))
  for (let id = 0; id < 100_000 && workers.length < 3; id++)
    await store.transaction(tx => tx.run('insert into t (id, filler) values (?, ?)', id, 'x'.repeat(2_000)))
  assert.equal(workers.length, 3)
  await store[Symbol.asyncDispose]()
  process.off('worker', onWorker)
  await rm(folder, { recursive: true })
})
