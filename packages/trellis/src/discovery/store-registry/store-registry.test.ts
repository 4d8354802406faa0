import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { createRuntime, isFault } from '../../kernel/index.ts'
import { openSqlite } from '../../store/sqlite/index.ts'
import type { Store } from '../../store/store.ts'
import { type RegistryUnderTest, registryConformance } from '../../testing/conformance/registry.ts'
import { createVirtualRuntime } from '../../testing/index.ts'
import type { Registry } from '../discovery.ts'
import { createStoreRegistry } from './store-registry.ts'

registryConformance('store on SQLite', openRegistries)

async function openRegistries(): Promise<RegistryUnderTest> {
  const runtime = createVirtualRuntime({ seed: 1 })
  const folder = await mkdtemp(join(tmpdir(), 'trellis-registry-'))
  const path = join(folder, 'platform.db')
  const stores = new Map<Registry, Store>()
  const close = async (registry: Registry): Promise<void> => {
    const store = stores.get(registry)
    stores.delete(registry)
    await store?.[Symbol.asyncDispose]()
  }
  return {
    leaseMs: 5_000,
    async open() {
      const store = await openSqlite(runtime, { path })
      const registry = await createStoreRegistry(runtime, { store })
      stores.set(registry, store)
      return registry
    },
    kill: registry => runtime.run(close(registry)),
    async outage() {
      // Readers go on, writers wait: the outage that is hardest to tell from a death.
      const holder = new DatabaseSync(path)
      holder.exec('begin immediate')
      return async () => {
        holder.exec('rollback')
        holder.close()
      }
    },
    async wipe() {
      const database = new DatabaseSync(path)
      database.exec('delete from trellis_instances')
      database.close()
    },
    advance: ms => runtime.advance(ms),
    run: work => runtime.run(Promise.resolve(work)),
    async dispose() {
      for (const registry of [...stores.keys()]) {
        await runtime.run(Promise.resolve(registry[Symbol.asyncDispose]()))
        await runtime.run(close(registry))
      }
      await rm(folder, { recursive: true })
    },
  }
}

test('times that can keep no lease are refused', async () => {
  const runtime = createRuntime()
  const store = undefined as unknown as Store
  await assert.rejects(createStoreRegistry(runtime, { store, leaseMs: 1_000 }), /leaseMs is 1000; use at least .* 3500/)
  await assert.rejects(createStoreRegistry(runtime, { store, pollMs: 0 }), /pollMs is 0/)
  await assert.rejects(createStoreRegistry(runtime, { store, heartbeatMs: Number.NaN }), /heartbeatMs is NaN/)
})

test('a closed registry refuses work', async () => {
  const subject = await openRegistries()
  const registry = await subject.run(subject.open())
  await subject.run(registry[Symbol.asyncDispose]())
  const instance = { id: 'a', service: 's', address: { host: 'h', port: 1 }, metadata: {} }
  await assert.rejects(registry.register(instance), error => isFault(error, 'REGISTRY_CLOSED'))
  await assert.rejects(
    registry.watch('s', () => undefined),
    error => isFault(error, 'REGISTRY_CLOSED'),
  )
  await subject.dispose()
})
