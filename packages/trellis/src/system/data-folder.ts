/** What an operator's tools open of a system's data: beside the running system, or while it rests. Its stores and its broker take several processes at once. */
import { join } from 'node:path'
import type { Registry } from '../discovery/index.ts'
import { createStoreRegistry } from '../discovery/index.ts'
import type { Runtime } from '../kernel/index.ts'
import type { BrokerAdmin } from '../messaging/index.ts'
import { createStoreBroker } from '../messaging/store-broker/index.ts'
import type { KeyStorage } from '../security/index.ts'
import { fileKeys } from '../security/index.ts'
import type { Store } from '../store/index.ts'
import { openStore } from './engines.ts'
import type { Environment } from './settings.ts'
import { readSettings } from './settings.ts'
import { SYSTEM_KEYS } from './shared.ts'

/** Which data. */
export interface DataPlace {
  /** Folder of the system's data. */
  readonly folder: string
  /** Says where stores are that do not lie in the folder. */
  readonly environment: Environment
}

/** Something opened, to be disposed of. */
export interface Opened<T> extends AsyncDisposable {
  readonly value: T
}

/** Opens the system's broker for a person: lag, dead letters. */
export async function openBrokerAdmin(runtime: Runtime, { folder }: DataPlace): Promise<Opened<BrokerAdmin>> {
  const stack = new AsyncDisposableStack()
  try {
    const store = stack.use(await openStore(runtime, { url: undefined, folder, name: 'platform' }))
    const broker = stack.use(await createStoreBroker(runtime, { store, wakePath: join(folder, 'platform.wake') }))
    return { value: broker.admin, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync().catch(() => undefined) // the failed opening is the news
    throw error
  }
}

/** Opens the system's registry, to find its services. */
export async function openRegistry(runtime: Runtime, { folder }: DataPlace): Promise<Opened<Registry>> {
  const stack = new AsyncDisposableStack()
  try {
    const store = stack.use(await openStore(runtime, { url: undefined, folder, name: 'platform' }))
    const registry = stack.use(await createStoreRegistry(runtime, { store }))
    return { value: registry, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync().catch(() => undefined) // as above
    throw error
  }
}

/** Opens the store of a service. */
export function openServiceStore(
  runtime: Runtime,
  { folder, environment }: DataPlace,
  service: string,
): Promise<Store> {
  return openStore(runtime, { url: readSettings(environment).storeUrl, folder: join(folder, service), name: service })
}

/** The keys by which services of the system prove who they are: whoever reads them may speak as any of its services. */
export function systemKeys(runtime: Runtime, { folder }: DataPlace): KeyStorage {
  return fileKeys(runtime, join(folder, SYSTEM_KEYS))
}
