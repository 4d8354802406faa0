import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Context, Handler, Identity, Target } from '../kernel/index.ts'
import { CallContext, Fault, isFault } from '../kernel/index.ts'
import { openSqlite } from '../store/sqlite/index.ts'
import type { Store } from '../store/store.ts'
import type { VirtualRuntime } from '../testing/index.ts'
import { createVirtualRuntime } from '../testing/index.ts'
import { IdempotencyKeys, idempotencyRecord } from './idempotency.ts'
import { idempotencyKey } from './idempotency-key.ts'

const TARGET: Target = { kind: 'server', name: 'kit.v1.Orders', operation: 'create', idempotent: true }

interface Order {
  readonly thing: string
  readonly count: number
}

interface Scene {
  readonly runtime: VirtualRuntime
  readonly store: Store
  readonly keys: IdempotencyKeys
  /** How often the effect was committed. */
  effects(): Promise<number>
  /** One call. */
  call(handler: Handler<Order, unknown>, options?: CallOptions): Promise<unknown>
  /** The keys of another process, or of the next life of this one. */
  life(owner: string): Promise<IdempotencyKeys>
}

interface CallOptions {
  readonly key?: string
  readonly input?: Order
  readonly subject?: string
  readonly keys?: IdempotencyKeys
  readonly timeoutMs?: number
}

function scenario(title: string, body: (scene: Scene) => Promise<void>): void {
  test(title, { timeout: 30_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'trellis-keys-'))
    const runtime = createVirtualRuntime({ seed: 1 })
    const store = await runtime.run(openSqlite(runtime, { path: join(folder, 'a.db'), rerunProbability: 0.3 }))
    await runtime.run(store.transaction(tx => tx.run('create table effect (name text)')))
    const lives: IdempotencyKeys[] = []
    const life = async (owner: string): Promise<IdempotencyKeys> => {
      const keys = new IdempotencyKeys(runtime, { store, owner })
      await runtime.run(keys.start())
      lives.push(keys)
      return keys
    }
    const first = await life('orders-1')
    try {
      await body({
        runtime,
        store,
        keys: first,
        life,
        effects: async () => {
          const row = await runtime.run(store.reader.get<{ n: number }>('select count(*) as n from effect'))
          return row?.n ?? 0
        },
        call: (
          handler,
          { key = 'k', input = { thing: 'a', count: 1 }, subject = 'alice', keys = first, timeoutMs = 5_000 } = {},
        ) => {
          const identity: Identity = { kind: 'user', subject, roles: [], permissions: new Set() }
          const ctx = new CallContext(runtime, { timeoutMs, identity })
          if (key !== '') ctx.set(idempotencyKey, key)
          return keys.wrap(handler, TARGET, order => order.thing)(input, ctx)
        },
      })
    } finally {
      for (const keys of lives) await runtime.run(keys[Symbol.asyncDispose]())
      await runtime.run(Promise.resolve(store[Symbol.asyncDispose]()))
      await rm(folder, { recursive: true })
    }
  })
}

/** What the container of a service does in `ctx.transaction`. */
async function transaction<T>(store: Store, ctx: Context, value: T): Promise<T> {
  const record = ctx.get(idempotencyRecord)
  if (record?.committed !== undefined) return record.committed.value as T
  return store.transaction(async tx => {
    await tx.run('insert into effect (name) values (?)', 'effect')
    await record?.storeIn(tx, value)
    return value
  })
}

const creates = (store: Store, count = { runs: 0 }): Handler<Order, unknown> => {
  return async (input, ctx) => {
    count.runs++
    return transaction(store, ctx, { id: `o-${count.runs}`, thing: input.thing })
  }
}

describe('an idempotency key', () => {
  scenario('keeps no hash of a body that could be guessed without the key', async ({ runtime, store, call }) => {
    await runtime.run(call(creates(store), { key: 'k1' }))
    await runtime.run(call(creates(store), { key: 'k2' }))
    const rows = await runtime.run(store.reader.all<{ body_hash: string }>('select body_hash from idempotency_key'))
    assert.equal(new Set(rows.map(row => row.body_hash)).size, 2)
  })

  scenario('makes repeated calls act once and answer the same', async ({ runtime, store, call, effects }) => {
    const runs = { runs: 0 }
    const create = creates(store, runs)
    const first = await runtime.run(call(create))
    assert.deepEqual(await runtime.run(call(create)), first)
    assert.deepEqual(await runtime.run(call(create)), first)
    assert.equal(runs.runs, 1)
    assert.equal(await effects(), 1)
  })

  scenario('is not needed', async ({ runtime, store, call, effects }) => {
    const create = creates(store)
    await runtime.run(call(create, { key: '' }))
    await runtime.run(call(create, { key: '' }))
    assert.equal(await effects(), 2)
  })

  scenario('with another body is IDEMPOTENCY_KEY_REUSED', async ({ runtime, store, call, effects }) => {
    const create = creates(store)
    await runtime.run(call(create))
    await assert.rejects(
      runtime.run(call(create, { input: { thing: 'a', count: 2 } })),
      error => isFault(error, 'IDEMPOTENCY_KEY_REUSED') && error.code === 'failed_precondition',
    )
    assert.equal(await effects(), 1)
  })

  scenario('is the same whatever the order of the members', async ({ runtime, store, call, effects }) => {
    const create = creates(store)
    await runtime.run(call(create, { input: { thing: 'a', count: 1 } }))
    await runtime.run(call(create, { input: { count: 1, thing: 'a' } }))
    assert.equal(await effects(), 1)
  })

  scenario('belongs to one subject and one thing', async ({ runtime, store, call, effects }) => {
    const create = creates(store)
    await runtime.run(call(create))
    await runtime.run(call(create, { subject: 'bob' }))
    await runtime.run(call(create, { input: { thing: 'b', count: 1 } }))
    assert.equal(await effects(), 3)
  })

  scenario('lets a twin wait for the answer', async ({ runtime, store, call, effects }) => {
    const create = creates(store)
    const [one, two, three] = await runtime.run(Promise.all([call(create), call(create), call(create)]))
    assert.deepEqual(two, one)
    assert.deepEqual(three, one)
    assert.equal(await effects(), 1)
  })

  scenario('lets a twin in another process wait for the answer', async ({ runtime, store, call, effects, life }) => {
    const other = await life('orders-2')
    const create = creates(store)
    const [one, two] = await runtime.run(Promise.all([call(create), call(create, { keys: other })]))
    assert.deepEqual(two, one)
    assert.equal(await effects(), 1)
  })

  scenario('makes a twin come back later when the first takes too long', async ({ runtime, store, call, effects }) => {
    const gate = Promise.withResolvers<void>()
    const create = creates(store)
    const slow: Handler<Order, unknown> = async (input, ctx) => {
      await gate.promise
      return create(input, ctx)
    }
    const first = call(slow, { timeoutMs: 60_000 })
    await runtime.settle()
    await assert.rejects(runtime.run(call(slow, { timeoutMs: 1_000 })), error => {
      assert.ok(isFault(error, 'IDEMPOTENCY_KEY_IN_USE'))
      assert.equal(error.code, 'unavailable')
      assert.ok((error.retryAfterMs ?? 0) > 0)
      return true
    })
    gate.resolve()
    await runtime.run(first)
    assert.equal(await effects(), 1)
  })

  scenario('keeps a fault that says something lasting', async ({ runtime, call }) => {
    let runs = 0
    const refuse: Handler<Order, unknown> = async () => {
      runs++
      throw new Fault('not_found', 'No such thing.', { reason: 'NO_THING', details: { run: runs } })
    }
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(runtime.run(call(refuse)), error => {
        assert.ok(isFault(error, 'NO_THING'))
        assert.deepEqual(error.details, { run: 1 })
        return true
      })
    }
    assert.equal(runs, 1)
  })

  for (const failure of [
    new Fault('unavailable', 'Down.'),
    new Fault('aborted', 'Lost a race.'),
    new Fault('permission_denied', 'Not now.'),
    new Error('bug'),
  ]) {
    scenario(`does not keep '${failure.message}'`, async ({ runtime, store, call, effects }) => {
      let runs = 0
      const create = creates(store)
      const flaky: Handler<Order, unknown> = async (input, ctx) => {
        if (++runs === 1) throw failure
        return create(input, ctx)
      }
      await assert.rejects(runtime.run(call(flaky)))
      await runtime.run(call(flaky))
      assert.equal(runs, 2)
      assert.equal(await effects(), 1)
    })
  }

  scenario(
    'gives a run after a crash the value of the transaction that was committed',
    async ({ runtime, store, call, effects, life }) => {
      const crash: Handler<Order, unknown> = async (_input, ctx) => {
        await transaction(store, ctx, { id: 'o-1' })
        return new Promise(() => undefined) // the process dies before it answers
      }
      void call(crash)
      await runtime.advance(10)
      assert.equal(await effects(), 1)
      const next = await life('orders-1')
      const again: Handler<Order, unknown> = async (_input, ctx) => ({
        ...(await transaction(store, ctx, { id: 'o-2' })),
        late: true,
      })
      assert.deepEqual(await runtime.run(call(again, { keys: next })), { id: 'o-1', late: true })
      assert.deepEqual(await runtime.run(call(again, { keys: next })), { id: 'o-1', late: true })
      assert.equal(await effects(), 1)
    },
  )

  scenario(
    'of a dead owner is free as soon as it is back, and of another only after the lease',
    async ({ runtime, store, call, effects, life }) => {
      void call(() => new Promise(() => undefined), { timeoutMs: 5_000 })
      await runtime.advance(10)
      const other = await life('orders-2')
      const create = creates(store)
      await assert.rejects(runtime.run(call(create, { keys: other, timeoutMs: 1_000 })), error =>
        isFault(error, 'IDEMPOTENCY_KEY_IN_USE'),
      )
      const next = await life('orders-1')
      await runtime.run(call(create, { keys: next }))
      assert.equal(await effects(), 1)
    },
  )

  scenario('whose claim was taken over can no longer commit', async ({ runtime, store, call, effects, life }) => {
    const gate = Promise.withResolvers<void>()
    const late: Handler<Order, unknown> = async (_input, ctx) => {
      await gate.promise
      return transaction(store, ctx, { id: 'late' })
    }
    const paused = call(late, { timeoutMs: 1_000 })
    paused.catch(() => undefined)
    await runtime.advance(12_000)
    const other = await life('orders-2')
    assert.deepEqual(await runtime.run(call(creates(store), { keys: other })), { id: 'o-1', thing: 'a' })
    gate.resolve()
    await assert.rejects(runtime.run(paused), error => isFault(error, 'IDEMPOTENCY_CLAIM_LOST'))
    assert.equal(await effects(), 1)
  })

  scenario('keeps the answer of a handler without a transaction', async ({ runtime, call }) => {
    let runs = 0
    const plain: Handler<Order, unknown> = async () => ({ run: ++runs })
    assert.deepEqual(await runtime.run(call(plain)), { run: 1 })
    assert.deepEqual(await runtime.run(call(plain)), { run: 1 })
  })

  scenario('is forgotten after 24 hours, and its row removed', async ({ runtime, store, call, effects }) => {
    const create = creates(store)
    await runtime.run(call(create))
    await runtime.advance(23 * 3_600_000)
    await runtime.run(call(create))
    assert.equal(await effects(), 1)
    await runtime.advance(2 * 3_600_000)
    const rows = await runtime.run(store.reader.all('select scope from idempotency_key'))
    assert.equal(rows.length, 0)
    await runtime.run(call(create))
    assert.equal(await effects(), 2)
  })

  scenario('that is malformed is refused', async ({ runtime, store, call }) => {
    for (const key of ['x'.repeat(256), 'ü', 'a\nb', ' ']) {
      await assert.rejects(runtime.run(call(creates(store), { key })), error =>
        isFault(error, 'INVALID_IDEMPOTENCY_KEY'),
      )
    }
    await runtime.run(call(creates(store), { key: 'x'.repeat(255) }))
  })
})
