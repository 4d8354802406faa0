import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRuntime } from '../kernel/index.ts'
import { openSqlite } from '../store/sqlite/index.ts'
import type { Store } from '../store/store.ts'
import { eventsConformance } from '../testing/conformance/events.ts'
import type { StoreUnderTest } from '../testing/conformance/store.ts'

async function open(rerunProbability: number): Promise<StoreUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-events-'))
  const openOne = (): Promise<Store> =>
    openSqlite(createRuntime(), { path: join(folder, 'events.db'), rerunProbability })
  let store = await openOne()
  return {
    store,
    another: openOne,
    async reopen() {
      await store[Symbol.asyncDispose]()
      store = await openOne()
      return store
    },
    async dispose() {
      await store[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

eventsConformance('SQLite', () => open(0))
eventsConformance('SQLite that runs bodies again at random', () => open(0.3))
