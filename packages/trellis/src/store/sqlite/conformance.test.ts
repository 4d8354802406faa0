import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRuntime } from '../../kernel/index.ts'
import { type StoreUnderTest, storeConformance } from '../../testing/conformance/store.ts'
import type { Store } from '../store.ts'
import { openSqlite, type SqliteOptions } from './sqlite.ts'

async function open(options: Partial<SqliteOptions>): Promise<StoreUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-store-'))
  const openOne = (): Promise<Store> => openSqlite(createRuntime(), { path: join(folder, 'store.db'), ...options })
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

storeConformance('SQLite', () => open({}))
storeConformance('SQLite that runs bodies again at random', () => open({ rerunProbability: 0.5 }))
storeConformance('SQLite under constant checkpoints', () => open({ checkpointBytes: 65_536 }))
