import type { Runtime } from '../../kernel/index.ts'
import type { Row, Sql, SqlValue } from '../store.ts'
import { busyPause } from './busy.ts'
import type { Connection } from './connection.ts'
import { unavailableFault } from './faults.ts'

/** Reads on a connection of its own. `connection` gives the present one, or throws while there is none. */
export function createReader(runtime: Runtime, connection: () => Connection, path: string, busyTimeoutMs: number): Sql {
  const attempt = async <T>(read: (connection: Connection) => T): Promise<T> => {
    let waitUntil = 0
    for (let tries = 0; ; tries++) {
      try {
        return read(connection())
      } catch (error) {
        // Only while another process recovers or removes the log.
        if ((error as { reason?: unknown }).reason !== 'STORE_BUSY') throw error
        const now = runtime.clock.monotonic()
        if (tries === 0) waitUntil = now + busyTimeoutMs
        if (now >= waitUntil) throw unavailableFault(path, 'is busy; try again.', error)
      }
      await busyPause(runtime, tries)
    }
  }
  return {
    all: <R = Row>(text: string, ...values: readonly SqlValue[]): Promise<R[]> =>
      attempt(c => c.all(text, values) as R[]),
    get: <R = Row>(text: string, ...values: readonly SqlValue[]): Promise<R | undefined> =>
      attempt(c => c.get(text, values) as R | undefined),
    run: (text: string, ...values: readonly SqlValue[]): Promise<number> => attempt(c => c.run(text, values)),
  }
}
