/** What an operator's tools open of a system's data: beside the running system, or while it rests. SQLite and the broker take several processes at once. */
import { join } from 'node:path'
import type { Runtime } from '../kernel/index.ts'
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

/** Opens the store of broker and registry. The caller disposes of it. */
export function openPlatformStore(runtime: Runtime, { folder }: DataPlace): Promise<Store> {
  return openStore(runtime, { url: undefined, folder, name: 'platform' })
}

/** Opens the store of a service. The caller disposes of it. */
export function openServiceStore(
  runtime: Runtime,
  { folder, environment }: DataPlace,
  service: string,
): Promise<Store> {
  return openStore(runtime, { url: readSettings(environment).storeUrl, folder: join(folder, service), name: service })
}

/** Name of the file below a data folder through which the processes of the broker wake each other. */
export const WAKE_FILE = 'platform.wake'

/** The keys by which services of the system prove who they are: whoever reads them may speak as any of its services. */
export function systemKeys(runtime: Runtime, { folder }: DataPlace): KeyStorage {
  return fileKeys(runtime, join(folder, SYSTEM_KEYS))
}
