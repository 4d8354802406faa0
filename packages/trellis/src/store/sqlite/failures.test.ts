import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmod, chown, mkdtemp, open as openFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { createRuntime, type File, isFault, type Runtime } from '../../kernel/index.ts'
import type { Store } from '../store.ts'
import { openSqlite } from './sqlite.ts'

let folder = ''
let path = ''
let count = 0

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trellis-failures-'))
})

after(() => rm(folder, { recursive: true }))

function newPath(): string {
  path = join(folder, `store-${++count}.db`)
  return path
}

async function createTable(store: Store): Promise<void> {
  await store.transaction(tx => tx.run('create table t (id integer primary key, filler text)'))
}

function insert(store: Store, id: number, filler = ''): Promise<number> {
  return store.transaction(tx => tx.run('insert into t (id, filler) values (?, ?)', id, filler))
}

async function ids(store: Store): Promise<number[]> {
  return (await store.reader.all<{ id: number }>('select id from t order by id')).map(row => row.id)
}

function reason(expected: string, code: string): (error: unknown) => true {
  return error => {
    assert.ok(isFault(error), String(error))
    assert.deepEqual([error.reason, error.code], [expected, code], error.message)
    return true
  }
}

/** A disk whose flushes fail on demand, and that tells how often it was asked. */
function failingDisk(): { readonly runtime: Runtime; fail: boolean; flushes: number } {
  const real = createRuntime()
  const open = async (name: string): Promise<File> => {
    const file = await real.fs.open(name)
    return {
      append: bytes => file.append(bytes),
      truncate: () => file.truncate(),
      size: () => file.size(),
      datasync() {
        disk.flushes++
        return disk.fail ? Promise.reject(new Error('EIO')) : file.datasync()
      },
      [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
    }
  }
  const disk = { runtime: { ...real, fs: { ...real.fs, open } }, fail: false, flushes: 0 }
  return disk
}

/** Resolves once the store serves again. */
async function healthy(store: Store): Promise<void> {
  while (!(await store.health()).healthy) await new Promise(resolve => setTimeout(resolve, 5))
}

describe('a flush that fails', () => {
  test('leaves what waited COMMIT_UNKNOWN, refuses the rest, and the store reopens itself', async () => {
    const disk = failingDisk()
    const store = await openSqlite(disk.runtime, { path: newPath() })
    await createTable(store)
    await insert(store, 1)
    disk.fail = true
    const asked = disk.flushes
    const outcomes = await Promise.allSettled([insert(store, 2), insert(store, 3)])
    for (const outcome of outcomes) {
      assert.equal(outcome.status, 'rejected')
      reason('COMMIT_UNKNOWN', 'unknown')(outcome.reason)
    }
    assert.equal(disk.flushes, asked + 1, 'the flush was not repeated')
    await assert.rejects(insert(store, 4), reason('STORE_UNAVAILABLE', 'unavailable'))
    await assert.rejects(store.reader.all('select 1'), reason('STORE_UNAVAILABLE', 'unavailable'))
    assert.match(JSON.stringify(await store.health()), /reopened/)
    disk.fail = false
    await healthy(store)
    await insert(store, 5)
    const there = await ids(store)
    assert.ok(there.includes(1) && there.includes(5) && !there.includes(4), there.join())
    await store[Symbol.asyncDispose]()
  })

  test('rolls back the body that runs and refuses those that wait: they surely did not happen', async () => {
    const disk = failingDisk()
    const store = await openSqlite(disk.runtime, { path: newPath() })
    await createTable(store)
    disk.fail = true
    const failed = insert(store, 1)
    const never = new Promise<number>(() => undefined)
    const running = store.transaction(async tx => {
      await tx.run('insert into t (id) values (2)')
      return await never
    })
    const waiting = insert(store, 3)
    await assert.rejects(failed, reason('COMMIT_UNKNOWN', 'unknown'))
    await assert.rejects(running, reason('STORE_UNAVAILABLE', 'unavailable'))
    await assert.rejects(waiting, reason('STORE_UNAVAILABLE', 'unavailable'))
    disk.fail = false
    await healthy(store)
    assert.deepEqual(
      (await ids(store)).filter(id => id > 1),
      [],
    )
    await store[Symbol.asyncDispose]()
  })

  test('a disk that stays broken keeps the store unavailable, and it can be closed', async () => {
    const disk = failingDisk()
    const store = await openSqlite(disk.runtime, { path: newPath() })
    await createTable(store)
    disk.fail = true
    await assert.rejects(insert(store, 1), reason('COMMIT_UNKNOWN', 'unknown'))
    while (!JSON.stringify(await store.health()).includes('could not be reopened'))
      await new Promise(resolve => setTimeout(resolve, 5))
    await store[Symbol.asyncDispose]()
    assert.match(JSON.stringify(await store.health()), /was closed/)
  })
})

test('a flush that fails while the store is closed is told to whoever waits, and the store is closed', async () => {
  const disk = failingDisk()
  const store = await openSqlite(disk.runtime, { path: newPath() })
  await createTable(store)
  disk.fail = true
  const last = insert(store, 1)
  const closed = store[Symbol.asyncDispose]()
  await assert.rejects(last, reason('COMMIT_UNKNOWN', 'unknown'))
  await closed
  assert.match(JSON.stringify(await store.health()), /was closed/)
  await using again = await openSqlite(createRuntime(), { path })
  await insert(again, 2)
})

describe('a full disk', () => {
  test('is DISK_FULL, keeps nothing of the transaction, and is over when there is space', async () => {
    await using store = await openSqlite(createRuntime(), { path: newPath(), maxBytes: 262_144 })
    await createTable(store)
    await insert(store, 1)
    const filler = 'x'.repeat(400_000)
    const swallowed = store.transaction(async tx => {
      await tx.run('insert into t (id) values (2)')
      await tx.run('insert into t (id, filler) values (3, ?)', filler).catch(() => undefined)
      await tx.run('insert into t (id) values (4)').catch(() => undefined)
    })
    await assert.rejects(swallowed, reason('DISK_FULL', 'unavailable'))
    await assert.rejects(insert(store, 5, filler), reason('DISK_FULL', 'unavailable'))
    assert.deepEqual(await ids(store), [1])
    await insert(store, 6)
    assert.deepEqual(await ids(store), [1, 6])
  })

  test('the same on a real one', { skip: canMount() ? false : 'mounting a small disk needs root' }, async () => {
    const disk = join(folder, 'small')
    execFileSync('mkdir', [disk])
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk])
    try {
      await using store = await openSqlite(createRuntime(), { path: join(disk, 'store.db') })
      await createTable(store)
      const ballast = join(disk, 'ballast')
      spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096'], { stdio: 'ignore' })
      const written: number[] = []
      let full: unknown
      for (let id = 1; full === undefined && id < 10_000; id++) {
        await insert(store, id, 'x'.repeat(3_000)).then(
          () => written.push(id),
          (error: unknown) => {
            full = error
          },
        )
      }
      reason('DISK_FULL', 'unavailable')(full)
      await assert.rejects(insert(store, 20_000, 'x'.repeat(9_000)), reason('DISK_FULL', 'unavailable'))
      assert.deepEqual(await ids(store), written)
      await rm(ballast)
      await insert(store, 20_001)
      assert.deepEqual(await ids(store), [...written, 20_001])
    } finally {
      execFileSync('umount', [disk])
    }
  })
})

describe('a damaged file', () => {
  test('that is no database is STORE_CORRUPT and is left as it is', async () => {
    const text = 'this is not a database, but somebody may miss it '.repeat(100)
    await writeFile(newPath(), text)
    await assert.rejects(openSqlite(createRuntime(), { path }), reason('STORE_CORRUPT', 'data_loss'))
    await using file = await openFile(path)
    assert.equal(await file.readFile('utf8'), text)
  })

  test('is STORE_CORRUPT when the damage is met, and the next transaction still gets an answer', async () => {
    {
      await using store = await openSqlite(createRuntime(), { path: newPath() })
      await createTable(store)
      await store.transaction(async tx => {
        for (let id = 0; id < 500; id++) await tx.run('insert into t values (?, ?)', id, 'x'.repeat(200))
      })
    }
    const file = await openFile(path, 'r+')
    await file.write(Buffer.alloc(4_096 * 20, 0xa5), 0, 4_096 * 20, 4_096 * 2)
    await file.close()
    await using store = await openSqlite(createRuntime(), { path })
    await assert.rejects(ids(store), reason('STORE_CORRUPT', 'data_loss'))
    await assert.rejects(
      store.transaction(tx => tx.all("select * from t where filler = 'y'")),
      reason('STORE_CORRUPT', 'data_loss'),
    )
    assert.equal(await store.transaction(async () => 'goes on'), 'goes on')
  })
})

describe('a place that may not be written', () => {
  /** Root may write everywhere, so that the tests step down for a moment. */
  async function asNobody(work: () => Promise<void>): Promise<void> {
    if (process.geteuid?.() !== 0) return await work()
    process.seteuid?.(65_534)
    try {
      await work()
    } finally {
      process.seteuid?.(0)
    }
  }

  test('a read-only file is STORE_READ_ONLY when it is opened, and opens once it may be written', async () => {
    const place = await mkdtemp(join(folder, 'read-only-'))
    const file = join(place, 'store.db')
    {
      await using store = await openSqlite(createRuntime(), { path: file })
      await createTable(store)
    }
    await chmod(folder, 0o755)
    await chmod(place, 0o755)
    await chmod(file, 0o444)
    await asNobody(() =>
      assert.rejects(openSqlite(createRuntime(), { path: file }), (error: unknown) => {
        assert.ok(isFault(error) && error.code === 'unavailable', String(error))
        assert.match(error.reason, /^(STORE_READ_ONLY|STORE_UNAVAILABLE)$/)
        return true
      }),
    )
    await chmod(file, 0o644)
    await using store = await openSqlite(createRuntime(), { path: file })
    await insert(store, 1)
  })

  test('a folder that may not be written is a typed fault that names it', async () => {
    const place = await mkdtemp(join(folder, 'closed-'))
    await chmod(folder, 0o755)
    await chmod(place, 0o555)
    await asNobody(() =>
      assert.rejects(openSqlite(createRuntime(), { path: join(place, 'store.db') }), (error: unknown) => {
        assert.ok(isFault(error) && error.code === 'unavailable', String(error))
        assert.ok(error.message.includes(place), error.message)
        return true
      }),
    )
    await asNobody(() =>
      assert.rejects(openSqlite(createRuntime(), { path: join(place, 'a', 'b', 'store.db') }), (error: unknown) => {
        assert.ok(isFault(error) && error.code === 'unavailable', String(error))
        return true
      }),
    )
  })

  const notRoot = process.geteuid?.() === 0 ? false : 'giving a file to another user needs root'

  test('a file that becomes read-only is STORE_READ_ONLY at the next opening', { skip: notRoot }, async () => {
    const place = await mkdtemp(join(folder, 'owned-'))
    const file = join(place, 'store.db')
    {
      await using store = await openSqlite(createRuntime(), { path: file })
      await createTable(store)
    }
    await chown(place, 65_534, 65_534)
    await chown(file, 65_534, 65_534)
    await chmod(folder, 0o755)
    await chmod(file, 0o444)
    await asNobody(() =>
      assert.rejects(openSqlite(createRuntime(), { path: file }), reason('STORE_READ_ONLY', 'unavailable')),
    )
  })
})

describe('a database that others hold', () => {
  test('is waited for without blocking the event loop', async () => {
    await using store = await openSqlite(createRuntime(), { path: newPath() })
    await createTable(store)
    const other = new DatabaseSync(path)
    other.exec('begin immediate')
    let settled = false
    const waiting = insert(store, 1).finally(() => {
      settled = true
    })
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
    assert.equal(settled, false)
    other.exec('rollback')
    await waiting
    assert.deepEqual(await ids(store), [1])
    other.close()
  })

  test('is STORE_BUSY after the busy timeout, and free again later', async () => {
    await using store = await openSqlite(createRuntime(), { path: newPath(), busyTimeoutMs: 30 })
    await createTable(store)
    const other = new DatabaseSync(path)
    other.exec('begin immediate')
    await assert.rejects(insert(store, 1), reason('STORE_BUSY', 'unavailable'))
    other.exec('rollback')
    await insert(store, 2)
    assert.deepEqual(await ids(store), [2])
    other.close()
  })

  test('is waited for by all that were asked for together, and not by one after the other', async () => {
    await using store = await openSqlite(createRuntime(), { path: newPath(), busyTimeoutMs: 100 })
    await createTable(store)
    const other = new DatabaseSync(path)
    other.exec('begin immediate')
    const started = performance.now()
    const results = await Promise.allSettled(Array.from({ length: 40 }, (_, id) => insert(store, id)))
    assert.ok(results.every(({ status }) => status === 'rejected'))
    assert.ok(performance.now() - started < 2_000) // 4,000 one after the other
    other.exec('rollback')
    await insert(store, 41)
    other.close()
  })

  test('a caller who gives up while the store waits for the lock is let go', async () => {
    await using store = await openSqlite(createRuntime(), { path: newPath() })
    await createTable(store)
    const other = new DatabaseSync(path)
    other.exec('begin immediate')
    const caller = new AbortController()
    const waiting = store.transaction(tx => tx.run('insert into t (id) values (1)'), { signal: caller.signal })
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
    caller.abort()
    await assert.rejects(waiting, (error: unknown) => isFault(error) && error.code === 'cancelled')
    other.exec('rollback')
    await insert(store, 2)
    assert.deepEqual(await ids(store), [2])
    other.close()
  })

  test('two stores that never rest both get their turns', async () => {
    await using one = await openSqlite(createRuntime(), { path: newPath() })
    await createTable(one)
    await using two = await openSqlite(createRuntime(), { path })
    let next = 0
    const done = [0, 0]
    const load = [one, two].flatMap((store, which) =>
      Array.from({ length: 8 }, async () => {
        while (Math.min(...done) < 200) {
          await insert(store, next++)
          done[which] = (done[which] as number) + 1
        }
      }),
    )
    await Promise.all(load)
    assert.equal((await ids(one)).length, done[0]! + done[1]!)
  })
})

test('a transaction that awaits another of the same store ends by its holding time', async () => {
  await using store = await openSqlite(createRuntime(), { path: newPath() })
  await createTable(store)
  const outer = store.transaction(
    async tx => {
      await tx.run('insert into t (id) values (1)')
      await insert(store, 2)
    },
    { maxHoldMs: 20 },
  )
  await assert.rejects(outer, reason('TRANSACTION_TOO_LONG', 'deadline_exceeded'))
  await insert(store, 3)
  assert.deepEqual(await ids(store), [2, 3])
})

test('a queue that is full refuses more with STORE_BUSY', async () => {
  await using store = await openSqlite(createRuntime(), { path: newPath(), maxQueue: 3 })
  await createTable(store)
  const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map(id => insert(store, id)))
  const refused = outcomes.filter(outcome => outcome.status === 'rejected')
  assert.ok(refused.length >= 1 && refused.length <= 2)
  for (const { reason: error } of refused) reason('STORE_BUSY', 'unavailable')(error)
})

test('thousands of different texts do not pile up prepared statements', async () => {
  await using store = await openSqlite(createRuntime(), { path: newPath() })
  await createTable(store)
  await store.transaction(async tx => {
    for (let i = 0; i < 2_000; i++) assert.deepEqual(await tx.get(`select ${i} as i`), { i })
  })
  assert.deepEqual(await store.reader.get('select 7 as i'), { i: 7 })
})

function canMount(): boolean {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return false
  return spawnSync('unshare', ['--mount', 'true']).status === 0
}
