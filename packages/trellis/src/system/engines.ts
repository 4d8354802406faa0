/** Engines chosen by URL. An engine of a vendor is a package of its own, loaded only when a URL asks for it. */
import { join } from 'node:path'
import type { Runtime } from '../kernel/index.ts'
import { Fault } from '../kernel/index.ts'
import type { Store } from '../store/index.ts'
import { openSqlite } from '../store/sqlite/index.ts'

/** Where a store's tables are to lie. */
export interface StorePlace {
  /** `TRELLIS_STORE`; undefined: SQLite in the folder. */
  readonly url: string | undefined
  /** Folder of the data. */
  readonly folder: string
  /** Name of the service, or `platform`. */
  readonly name: string
}

interface PostgresEngine {
  openPostgres(runtime: Runtime, options: { readonly url: string; readonly schema: string }): Promise<Store>
}

/** Opens a store by its URL: none or `sqlite:` for a file in the folder, `postgres://…` for a schema of its own on a server. */
export async function openStore(runtime: Runtime, { url, folder, name }: StorePlace): Promise<Store> {
  const scheme = url === undefined ? 'sqlite' : url.slice(0, Math.max(0, url.indexOf(':')))
  switch (scheme) {
    case 'sqlite':
      return openSqlite(runtime, { path: join(folder, `${name}.db`) })
    case 'postgres':
    case 'postgresql': {
      const { openPostgres } = await load<PostgresEngine>('trellis-engine-postgres', scheme)
      return openPostgres(runtime, { url: url as string, schema: name.replaceAll('-', '_') })
    }
    default:
      throw new Fault('failed_precondition', `TRELLIS_STORE has the scheme "${scheme}"; use sqlite: or postgres://.`, {
        reason: 'UNKNOWN_ENGINE',
      })
  }
}

async function load<T>(name: string, scheme: string): Promise<T> {
  try {
    return (await import(name)) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Fault(
      'failed_precondition',
      `${scheme}:// needs the package ${name}; install it with npm install ${name}.`,
      {
        reason: 'ENGINE_NOT_INSTALLED',
        cause: error,
      },
    )
  }
}
