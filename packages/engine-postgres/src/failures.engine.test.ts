import assert from 'node:assert/strict'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { createRuntime, isFault } from 'trellis/kernel'
import type { Store } from 'trellis/store'
import { type PostgresServer, startPostgres } from '../../../scripts/engines/postgres.ts'
import { openPostgres, type PostgresOptions } from './postgres.ts'

let server: PostgresServer
let schemas = 0

before(async () => {
  server = await startPostgres()
})

after(() => server?.stop())

async function openNew(options: Partial<PostgresOptions> = {}): Promise<Store> {
  const store = await openPostgres(createRuntime(), { url: server.url, schema: `failures_${++schemas}`, ...options })
  await store.transaction(async tx => {
    await tx.run('create table t (id bigint primary key)')
    await tx.run('create table pair (name text primary key, value bigint)')
    await tx.run("insert into pair (name, value) values ('a', 0), ('b', 0)")
  })
  return store
}

function insert(store: Store, id: number): Promise<number> {
  return store.transaction(tx => tx.run('insert into t (id) values (?)', id))
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

/** Stands between the store and the server, so that the server seems to go and come back. */
class Line {
  readonly #sockets: Set<Socket> = new Set()
  readonly #target: URL
  #server: Server | undefined
  #port = 0
  /** Cuts every connection as soon as one sends this. */
  cutAt: string | undefined

  constructor(target: string) {
    this.#target = new URL(target)
  }

  get url(): string {
    const url = new URL(this.#target)
    url.port = String(this.#port)
    return url.href
  }

  async up(): Promise<void> {
    const accepting = createServer(near => {
      const far = connect(Number(this.#target.port), this.#target.hostname)
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => this.cut())
        socket.on('close', () => {
          this.#sockets.delete(socket)
          near.destroy()
          far.destroy()
        })
      }
      near.on('data', bytes => {
        const cut = this.cutAt !== undefined && bytes.includes(this.cutAt)
        far.write(bytes, () => {
          if (cut) this.cut()
        })
      })
      far.on('data', bytes => near.write(bytes))
    })
    this.#server = accepting
    await new Promise<void>(resolve => accepting.listen(this.#port, '127.0.0.1', resolve))
    const address = accepting.address()
    this.#port = typeof address === 'object' && address !== null ? address.port : 0
  }

  async down(): Promise<void> {
    const closed = new Promise(resolve => this.#server?.close(resolve))
    this.cut()
    await closed
  }

  cut(): void {
    this.cutAt = undefined
    for (const socket of this.#sockets) socket.destroy()
  }
}

test('while the server is away it is STORE_UNAVAILABLE, and it serves again when the server is back', async () => {
  const line = new Line(server.url)
  await line.up()
  const store = await openNew({ url: line.url })
  await insert(store, 1)
  await line.down()
  await assert.rejects(insert(store, 2), reason('STORE_UNAVAILABLE', 'unavailable'))
  await assert.rejects(ids(store), reason('STORE_UNAVAILABLE', 'unavailable'))
  assert.equal((await store.health()).healthy, false)
  await line.up()
  await insert(store, 3)
  assert.deepEqual(await ids(store), [1, 3])
  assert.deepEqual(await store.health(), { healthy: true })
  await store[Symbol.asyncDispose]()
  await line.down()
})

test('pooled connections that died unnoticed are no failure', async () => {
  const line = new Line(server.url)
  await line.up()
  const store = await openNew({ url: line.url })
  await Promise.all([1, 2, 3, 4, 5].map(id => insert(store, id)))
  await Promise.all([ids(store), ids(store)])
  line.cut()
  await insert(store, 6)
  line.cut()
  assert.equal((await ids(store)).length, 6)
  await store[Symbol.asyncDispose]()
  await line.down()
})

test('a connection that breaks inside the body is STORE_UNAVAILABLE, and nothing was kept', async () => {
  const line = new Line(server.url)
  await line.up()
  const store = await openNew({ url: line.url })
  const broken = store.transaction(async tx => {
    await tx.run('insert into t (id) values (1)')
    line.cut()
    await tx.run('insert into t (id) values (2)')
  })
  await assert.rejects(broken, reason('STORE_UNAVAILABLE', 'unavailable'))
  assert.deepEqual(await ids(store), [])
  await store[Symbol.asyncDispose]()
  await line.down()
})

test('a connection that breaks during the commit is COMMIT_UNKNOWN', async () => {
  const line = new Line(server.url)
  await line.up()
  const store = await openNew({ url: line.url })
  const broken = store.transaction(async tx => {
    await tx.run('insert into t (id) values (1)')
    line.cutAt = 'commit'
  })
  await assert.rejects(broken, reason('COMMIT_UNKNOWN', 'unknown'))
  await insert(store, 2)
  assert.ok((await ids(store)).includes(2))
  await store[Symbol.asyncDispose]()
  await line.down()
})

test('a server that ends the session is STORE_UNAVAILABLE, and the next transaction has a new one', async () => {
  const store = await openNew()
  const ended = store.transaction(tx => tx.get('select pg_terminate_backend(pg_backend_pid())'))
  await assert.rejects(ended, reason('STORE_UNAVAILABLE', 'unavailable'))
  await insert(store, 1)
  await store[Symbol.asyncDispose]()
})

test('a body that catches a conflict and throws something else is run again', async () => {
  const store = await openNew()
  let runs = 0
  const swap = (from: string, to: string): Promise<void> =>
    store.transaction(async tx => {
      runs++
      try {
        const row = await tx.get<{ value: number }>('select value from pair where name = ?', from)
        await tx.run('update pair set value = ? where name = ?', (row?.value ?? 0) + 1, to)
      } catch {
        throw new Error('in words of my own')
      }
    })
  await Promise.all(Array.from({ length: 20 }, (_unused, i) => (i % 2 === 0 ? swap('a', 'b') : swap('b', 'a'))))
  assert.ok(runs >= 20)
  await store[Symbol.asyncDispose]()
})

test('conflicts that never end are STORE_BUSY', async () => {
  const store = await openNew({ conflictTimeoutMs: 50 })
  let rivals = 0
  const unlucky = store.transaction(async tx => {
    await tx.get('select value from pair where name = ?', 'a')
    // Somebody else is always faster.
    await store.transaction(other => other.run('update pair set value = value + 1 where name = ?', 'a'))
    rivals++
    await tx.run('update pair set value = 0 where name = ?', 'a')
  })
  await assert.rejects(unlucky, reason('STORE_BUSY', 'unavailable'))
  assert.ok(rivals > 1, `${rivals}`)
  await store[Symbol.asyncDispose]()
})

test('a statement that runs too long is ended with its transaction, and its connection is replaced', async () => {
  const store = await openNew({ poolSize: 1 })
  const slow = store.transaction(tx => tx.get('select pg_sleep(60)::text as s'), { maxHoldMs: 60 })
  await assert.rejects(slow, reason('TRANSACTION_TOO_LONG', 'deadline_exceeded'))
  await insert(store, 1)
  assert.deepEqual(await ids(store), [1])
  await store[Symbol.asyncDispose]()
})

test('more than the queue holds is STORE_BUSY', async () => {
  const store = await openNew({ poolSize: 1, maxQueue: 2 })
  const outcomes = await Promise.allSettled([1, 2, 3, 4, 5].map(id => insert(store, id)))
  const refused = outcomes.filter(outcome => outcome.status === 'rejected')
  assert.equal(refused.length, 2)
  for (const { reason: error } of refused) reason('STORE_BUSY', 'unavailable')(error)
  await store[Symbol.asyncDispose]()
})

test('a prepared statement survives a change of its table', async () => {
  const store = await openNew()
  const select = 'select * from pair where name = ?'
  await store.reader.get(select, 'a')
  await store.transaction(tx => tx.get(select, 'a'))
  await store.transaction(tx => tx.run('alter table pair add column more bigint'))
  const expected = { name: 'a', value: 0, more: null }
  assert.deepEqual(await store.reader.get(select, 'a'), expected)
  assert.deepEqual(await store.transaction(tx => tx.get(select, 'a')), expected)
  await store[Symbol.asyncDispose]()
})

test('the time of the store is that of the server, on the scale of this process', async () => {
  const anchorMs = Date.now() - 1_000
  const runtime = createRuntime({ timeScale: 1 / 20, anchorMs })
  const store = await openPostgres(runtime, { url: server.url })
  const before = runtime.clock.now()
  const now = await store.now()
  assert.ok(before - 40 <= now && now <= runtime.clock.now() + 40, `${before} ${now}`)
  await store[Symbol.asyncDispose]()
})

test('a wrong address, a wrong database and a bad schema are told apart from bugs', async () => {
  const runtime = createRuntime()
  const nowhere = new URL(server.url)
  nowhere.port = '1'
  await assert.rejects(openPostgres(runtime, { url: nowhere.href }), reason('STORE_UNAVAILABLE', 'unavailable'))
  const missing = new URL(server.url)
  missing.pathname = '/not_there'
  await assert.rejects(openPostgres(runtime, { url: missing.href }), reason('STORE_UNAVAILABLE', 'unavailable'))
  await assert.rejects(openPostgres(runtime, { url: server.url, schema: 'a b' }), TypeError)
  await assert.rejects(openPostgres(runtime, { url: server.url, poolSize: 0 }), RangeError)
})
