/**
 * Power loss: of what was written after the last successful flush any part may be missing, of what was written before it nothing. So at each
 * successful flush the length of the log is noted, the log is cut there (and at random places beyond, with bytes torn), and the copy opened as after
 * a crash.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createRuntime, type File, type Runtime } from '../../kernel/index.ts'
import type { Store } from '../store.ts'
import { openSqlite } from './sqlite.ts'

/** A runtime that calls `started` before each flush begins and `flushed` once it has succeeded. */
function observed(started: () => void, flushed: () => void): Runtime {
  const runtime = createRuntime()
  const open = async (path: string): Promise<File> => {
    const file = await runtime.fs.open(path)
    return {
      append: bytes => file.append(bytes),
      truncate: () => file.truncate(),
      size: () => file.size(),
      async datasync() {
        started()
        await file.datasync()
        flushed()
      },
      [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
    }
  }
  return { ...runtime, fs: { ...runtime.fs, open } }
}

/** Every transaction writes its number to two tables and adds 1 to a counter: a half one would show. */
async function write(store: Store, number: number): Promise<void> {
  await store.transaction(async tx => {
    await tx.run('insert into left_half (n, filler) values (?, ?)', number, 'x'.repeat(number % 700))
    await tx.run('update counter set total = total + 1')
    await tx.run('insert into right_half (n) values (?)', number)
  })
}

async function createTables(store: Store): Promise<void> {
  await store.transaction(async tx => {
    await tx.run('create table left_half (n integer primary key, filler text)')
    await tx.run('create table right_half (n integer primary key)')
    await tx.run('create table counter (total integer)')
    await tx.run('insert into counter values (0)')
  })
}

/** Opens what is left after the loss and compares it with what was promised. */
async function assertWhole(path: string, resolved: readonly number[], context: string): Promise<void> {
  await using store = await openSqlite(createRuntime(), { path })
  const left = (await store.reader.all<{ n: number }>('select n from left_half order by n')).map(row => row.n)
  const right = (await store.reader.all<{ n: number }>('select n from right_half order by n')).map(row => row.n)
  assert.deepEqual(left, right, `${context}: a transaction is half there`)
  assert.deepEqual(await store.reader.get('select total from counter'), { total: left.length }, context)
  const there = new Set(left)
  for (const number of resolved) assert.ok(there.has(number), `${context}: ${number} was resolved and is lost`)
  await write(store, 1_000_000) // and it goes on
}

test('after power loss at any moment every resolved commit is there and none is half there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-power-'))
  const path = join(folder, 'store.db')
  const resolved: number[] = []
  /** Length of the log when each flush began, and how many commits were resolved when the *next* one had succeeded at the latest. */
  const flushes: { readonly length: number; readonly resolvedBefore: () => readonly number[] }[] = []
  let lengthAtStart = 0
  // Synchronous, as the flush begins: what is appended during the flush is not promised by it.
  const logLength = (): number => Number(execFileSync('stat', ['-c', '%s', `${path}-wal`]))
  const runtime = observed(
    () => {
      lengthAtStart = logLength()
    },
    () => {
      const length = lengthAtStart
      const later = flushes.length + 1
      // Everything resolved until the next flush succeeds relies on this one.
      flushes.push({ length, resolvedBefore: () => resolvedAt[later] ?? [...resolved] })
      resolvedAt.push([...resolved])
    },
  )
  const resolvedAt: (readonly number[])[] = []

  const store = await openSqlite(runtime, { path, checkpointBytes: 2 ** 30 })
  await createTables(store)
  // The copies below are taken by another process: closing the file in this one would drop SQLite's locks on it.
  for (let round = 0; round < 8; round++) {
    const burst = Array.from({ length: 1 + ((round * 7) % 23) }, (_unused, i) => round * 100 + i)
    await Promise.all(
      burst.map(async number => {
        await write(store, number)
        resolved.push(number)
      }),
    )
  }
  const wholeDatabase = join(folder, 'copy.db')
  execFileSync('cp', [path, wholeDatabase])
  execFileSync('cp', [`${path}-wal`, `${wholeDatabase}-wal`])
  await store[Symbol.asyncDispose]()
  const log = await readFile(`${wholeDatabase}-wal`)
  assert.ok(flushes.length >= 9, `${flushes.length} flushes`)

  const crash = async (length: number, promised: readonly number[], tear: number, context: string): Promise<void> => {
    const at = join(folder, 'crashed.db')
    await copyFile(wholeDatabase, at)
    const cut = Buffer.from(log.subarray(0, length + tear))
    // What lies beyond the flush may be there in part, or hold anything.
    if (tear > 0) cut.fill(0xa5, length + Math.floor(tear / 2))
    await writeFile(`${at}-wal`, cut)
    await assertWhole(at, promised, context)
    for (const ending of ['', '-wal', '-shm']) await rm(`${at}${ending}`, { force: true })
  }

  const random = createRuntime().random
  for (const [i, { length, resolvedBefore }] of flushes.entries()) {
    const promised = resolvedBefore()
    await crash(length, promised, 0, `cut at flush ${i} (${length} bytes)`)
    const beyond = Math.floor(random.next() * (log.length - length))
    await crash(length + beyond, promised, 0, `cut ${beyond} bytes beyond flush ${i}`)
    await crash(length, promised, beyond, `torn within ${beyond} bytes beyond flush ${i}`)
    const withinPage = Math.min(1 + Math.floor(random.next() * 4_119), log.length - length)
    await crash(length, promised, withinPage, `torn within the ${withinPage} bytes after flush ${i}`)
  }
  await rm(folder, { recursive: true })
})

test('a commit is not resolved before a flush that started after it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-power-'))
  const events: string[] = []
  const runtime = observed(
    () => events.push('flush starts'),
    () => events.push('flushed'),
  )
  const store = await openSqlite(runtime, { path: join(folder, 'store.db') })
  await createTables(store)
  events.length = 0
  await write(store, 1)
  events.push('resolved')
  assert.deepEqual(events, ['flush starts', 'flushed', 'resolved'])

  events.length = 0
  const first = write(store, 2).then(() => events.push('first resolved'))
  const during = store.transaction(async tx => {
    // By now the first has committed; its flush starts while this body waits, and cannot count for this one.
    await new Promise<void>(resolve => setImmediate(resolve))
    await tx.run('update counter set total = total + 1')
    events.push('second commits')
  })
  await Promise.all([first, during.then(() => events.push('second resolved'))])
  const commit = events.indexOf('second commits')
  assert.ok(events.indexOf('flush starts', commit) > commit, events.join(', '))
  assert.ok(events.indexOf('second resolved') > events.lastIndexOf('flushed'), events.join(', '))
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

test('the commits of a burst share their flushes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-power-'))
  let flushes = 0
  const runtime = observed(
    () => flushes++,
    () => undefined,
  )
  const store = await openSqlite(runtime, { path: join(folder, 'store.db') })
  await createTables(store)
  flushes = 0
  await Promise.all(Array.from({ length: 200 }, (_unused, i) => write(store, i)))
  assert.ok(flushes <= 100, `${flushes} flushes for 200 commits`)
  await store[Symbol.asyncDispose]()
  assert.ok((await stat(join(folder, 'store.db'))).size > 0)
  await rm(folder, { recursive: true })
})
