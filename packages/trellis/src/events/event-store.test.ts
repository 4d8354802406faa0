import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { z } from 'zod'
import { createRuntime, type Runtime } from '../kernel/index.ts'
import { openSqlite } from '../store/sqlite/index.ts'
import type { Store } from '../store/store.ts'
import { aggregate } from './aggregate.ts'
import { type EventStore, openEventStore } from './event-store.ts'
import type { EventOf } from './events.ts'
import { type Projection, projection } from './projection.ts'

const events = {
  Opened: z.object({ owner: z.string().min(1) }),
  Deposited: z.object({ amount: z.int32() }),
}
type AccountEvent = EventOf<typeof events>

const Account = aggregate({
  name: 'account',
  events,
  starts: ['Opened'],
  initialState: id => ({ id, owner: '', balance: 0 }),
  decide: (command: AccountEvent) => command,
  evolve: (state, event) =>
    event.type === 'Opened'
      ? { ...state, owner: event.data.owner }
      : { ...state, balance: state.balance + event.data.amount },
})

const balances = projection('balances', {
  from: [Account],
  tables: {
    balance: (table, { types }) => [
      `create table ${table} (id ${types.key} primary key, amount ${types.integer} not null)`,
    ],
  },
  async apply(event, tx, { balance }) {
    if (event.type === 'Opened') await tx.run(`insert into ${balance} (id, amount) values (?, 0)`, event.aggregateId)
    else await tx.run(`update ${balance} set amount = amount + ? where id = ?`, event.data.amount, event.aggregateId)
  },
})

const cause = { correlationId: 'c', causationId: 'm', actor: 'u', traceparent: 't' }
const opened = { type: 'Opened', data: { owner: 'ann' } } as const
const deposited = (amount: number) => ({ type: 'Deposited', data: { amount } }) as const

interface Bench {
  readonly runtime: Runtime
  readonly store: Store
  readonly events: EventStore
  readonly execute: (id: string, command: AccountEvent) => Promise<unknown>
}

async function setUp(t: TestContext, projections: readonly Projection[] = []): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'events-'))
  const runtime = createRuntime()
  const store = await openSqlite(runtime, { path: join(folder, 'events.db'), rerunProbability: 0.3 })
  const eventStore = await openEventStore(runtime, { store, projections })
  t.after(async () => {
    await eventStore[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  const execute = (id: string, command: AccountEvent): Promise<unknown> =>
    store.transaction(tx => eventStore.aggregate(tx, Account, id, cause).execute(command))
  return { runtime, store, events: eventStore, execute }
}

test('a command is decided on the state that the events left', async t => {
  const { store, events, execute } = await setUp(t)
  await execute('a-1', opened)
  await execute('a-1', deposited(5))
  const loaded = await store.transaction(tx => events.aggregate(tx, Account, 'a-1', cause).load())
  assert.deepEqual(loaded, { state: { id: 'a-1', owner: 'ann', balance: 5 }, version: 2 })
})

test('an inline projection shows what the transaction did', async t => {
  const { store, execute } = await setUp(t, [balances])
  await execute('a-1', opened)
  await execute('a-1', deposited(7))
  assert.deepEqual(await store.reader.all('select * from balance').then(rows => rows.map(row => ({ ...row }))), [
    { id: 'a-1', amount: 7 },
  ])
})
