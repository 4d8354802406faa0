import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createRuntime, Fault } from '../kernel/index.ts'
import { openSqlite } from '../store/sqlite/index.ts'
import type { Store } from '../store/store.ts'
import { Account, cause, opened } from '../testing/conformance/account.ts'
import { openEventStore } from './event-store.ts'

async function openStore(t: TestContext): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-events-'))
  const store = await openSqlite(createRuntime(), { path: join(folder, 'events.db') })
  t.after(async () => {
    await store[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  return store
}

test('an interval that is none is refused', async t => {
  const store = await openStore(t)
  await assert.rejects(openEventStore(createRuntime(), { store, pollMs: 0 }), /pollMs is 0/)
})

test('events get no position, and cost nothing more, while nobody follows them', async t => {
  const store = await openStore(t)
  await using events = await openEventStore(createRuntime(), { store })
  await store.transaction(tx => events.aggregate(tx, Account, 'a', cause).execute(opened()))
  const waiting = (): Promise<unknown[]> => store.reader.all('select * from trellis_events_unordered')
  assert.equal((await waiting()).length, 1)
  for await (const { position } of events.subscribe([Account])) {
    assert.equal(position, 1)
    break
  }
  assert.equal((await waiting()).length, 0)
})

test('a store that is away is reported once, and followers go on when it is back', async t => {
  const store = await openStore(t)
  let away = false
  const flaky: Store = {
    ...bound(store),
    reader: {
      ...store.reader,
      get: (text, ...values) => {
        if (away && text.includes('trellis_events_order')) return Promise.reject(new Fault('unavailable', 'away'))
        return store.reader.get(text, ...values)
      },
    },
  }
  const { promise: reported, resolve: report } = Promise.withResolvers<void>()
  const lines: string[] = []
  const logger = {
    log: (_level: string, message: string) => {
      lines.push(message)
      report()
    },
    with: () => logger,
  }
  await using events = await openEventStore(createRuntime(), { store: flaky, pollMs: 5, logger })
  const follower = events.subscribe([Account])
  const first = follower.next()
  const execute = (id: string): Promise<unknown> =>
    store.transaction(tx => events.aggregate(tx, Account, id, cause).execute(opened()))
  await execute('a')
  assert.equal((await first).value?.position, 1)
  const second = follower.next()
  away = true
  await execute('b')
  await reported
  away = false
  assert.equal((await second).value?.position, 2)
  assert.deepEqual(lines, ['The event feed waits for its store'])
})

function bound(store: Store): Store {
  return {
    capabilities: store.capabilities,
    dialect: store.dialect,
    reader: store.reader,
    transaction: (body, options) => store.transaction(body, options),
    now: () => store.now(),
    migrate: (module, migrations) => store.migrate(module, migrations),
    health: () => store.health(),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}
