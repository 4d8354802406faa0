import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRuntime } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'
import { openSqlite, type SqliteOptions } from '../../store/sqlite/index.ts'
import { type BrokerUnderTest, brokerConformance } from '../../testing/conformance/broker.ts'
import type { Broker } from '../messaging.ts'
import { severable } from './severable.test-fixture.ts'
import { createStoreBroker } from './store-broker.ts'

async function prepare(options: Partial<SqliteOptions>, wake: boolean): Promise<BrokerUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-broker-'))
  const open = new Map<Broker, { readonly sever: () => void; readonly store: Store }>()
  const dead: Store[] = []
  return {
    async open() {
      const runtime = createRuntime()
      const { store, sever } = severable(await openSqlite(runtime, { path: join(folder, 'platform.db'), ...options }))
      const broker = await createStoreBroker(runtime, {
        store,
        leaseMs: 600,
        pollMs: 20,
        ...(wake ? { wakePath: join(folder, 'platform.wake') } : {}),
      })
      open.set(broker, { sever, store })
      return broker
    },
    kill(broker) {
      const entry = open.get(broker)
      open.delete(broker)
      entry?.sever()
      if (entry !== undefined) dead.push(entry.store)
      return Promise.resolve()
    },
    async dispose() {
      for (const [, { sever }] of open) sever()
      for (const store of [...dead, ...[...open.values()].map(entry => entry.store)]) await store[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

brokerConformance('store, SQLite', () => prepare({}, true))
brokerConformance('store, SQLite without wake-up, bodies run again at random', () =>
  prepare({ rerunProbability: 0.3 }, false),
)
