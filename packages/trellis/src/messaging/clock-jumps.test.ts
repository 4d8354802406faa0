import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Store } from '../store/index.ts'
import { openSqlite } from '../store/sqlite/index.ts'
import { createVirtualRuntime, type VirtualRuntime } from '../testing/index.ts'
import { FakeBroker, sample } from './messaging.test-fixture.ts'
import { createOutbox, outboxMigrations } from './outbox.ts'
import { createRelay } from './relay.ts'
import { createStoreBroker } from './store-broker/index.ts'

const HOUR_MS = 3_600_000
const TOPIC = 'test.topic.v1'

/** Runs a body with a store under virtual time. */
async function withStore(body: (runtime: VirtualRuntime, store: Store) => Promise<void>): Promise<void> {
  const runtime = createVirtualRuntime({ seed: 1 })
  const folder = await mkdtemp(join(tmpdir(), 'trellis-jumps-'))
  try {
    const store = await openSqlite(runtime, { path: join(folder, 'a.db') })
    await body(runtime, store)
    await runtime.run(Promise.resolve(store[Symbol.asyncDispose]()))
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('after the clock jumped', { timeout: 20_000 }, () => {
  test('forwards, delayed messages that are due by now are delivered now', () =>
    withStore(async (runtime, store) => {
      const broker = await runtime.run(createStoreBroker(runtime, { store }))
      await runtime.run(broker.declare([{ name: TOPIC, kind: 'event' }], [{ group: 'g', topics: [TOPIC] }]))
      const got: string[] = []
      const consumer = broker.subscribe({ topics: [TOPIC], group: 'g' }, delivery => {
        got.push(delivery.message.id)
        void delivery.ack()
      })
      await runtime.run(consumer)
      await runtime.run(broker.publish([sample('m-1', { deliverAt: runtime.clock.now() + HOUR_MS / 2 })]))
      await runtime.advance(1_000)
      assert.deepEqual(got, [])
      runtime.jumpWall(HOUR_MS)
      await runtime.advance(2_000)
      assert.deepEqual(got, ['m-1'])
      await runtime.run(Promise.resolve(broker[Symbol.asyncDispose]()))
    }))

  test('backwards, what a dead consumer held is taken over as soon as ever', () =>
    withStore(async (runtime, store) => {
      const broker = await runtime.run(createStoreBroker(runtime, { store }))
      await runtime.run(broker.declare([{ name: TOPIC, kind: 'event' }], [{ group: 'g', topics: [TOPIC] }]))
      await runtime.run(
        store.transaction(async tx => {
          const topic = await tx.get<{ id: number }>('select id from broker_topic')
          await tx.run(
            `insert into broker_consumer (consumer, member, group_name, topic, expires) values ('dead', 'dead', 'g', ?, ?)`,
            topic?.id ?? 0,
            tx.now + 5_000,
          )
          await tx.run(`update broker_lease set owner = 'dead', epoch = 1`)
        }),
      )
      runtime.jumpWall(-HOUR_MS)
      await runtime.run(broker.subscribe({ topics: [TOPIC], group: 'g' }, () => undefined))
      await runtime.advance(10_000)
      const row = await store.reader.get<{ n: number }>(`select count(*) as n from broker_lease where owner = 'dead'`)
      assert.equal(row?.n, 0)
      await runtime.run(Promise.resolve(broker[Symbol.asyncDispose]()))
    }))

  test('backwards, the outbox of a dead relay is carried on as soon as ever', () =>
    withStore(async (runtime, store) => {
      await runtime.run(store.migrate('outbox', outboxMigrations))
      const outbox = createOutbox()
      await runtime.run(
        store.transaction(async tx => {
          await outbox.add(tx, [sample('m-1')])
          await tx.run(`update outbox_lease set owner = 'dead', expires = ? where id = 1`, tx.now + 5_000)
        }),
      )
      runtime.jumpWall(-HOUR_MS)
      const broker = new FakeBroker()
      const relay = await runtime.run(createRelay(runtime, { store, broker, outbox }))
      await runtime.advance(10_000)
      assert.deepEqual(
        broker.published.map(({ id }) => id),
        ['m-1'],
      )
      await runtime.run(Promise.resolve(relay[Symbol.asyncDispose]()))
    }))
})
