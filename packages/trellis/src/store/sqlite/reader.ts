import type { Runtime } from '../../kernel/index.ts'
import type { Row, Sql, SqlValue } from '../store.ts'
import { busyPause } from './busy.ts'
import type { Connection } from './connection.ts'
import { unavailableFault } from './faults.ts'

/** Reads on a connection of its own. `connection` gives the present one, or throws while there is none. */
export function createReader(runtime: Runtime, connection: () => Connection, path: string, busyTimeoutMs: number): Sql {
  const attempt = <T>(read: (connection: Connection) => T): Promise<T> => {
    try {
      return Promise.resolve(read(connection()))
    } catch (error) {
      return again(read, error)
    }
  }
  const again = async <T>(read: (connection: Connection) => T, first: unknown): Promise<T> => {
    const waitUntil = runtime.clock.monotonic() + busyTimeoutMs
    let failure = first
    for (let tries = 0; ; tries++) {
      // Only while another process recovers or removes the log.
      if ((failure as { reason?: unknown }).reason !== 'STORE_BUSY') throw failure
      if (runtime.clock.monotonic() >= waitUntil) throw unavailableFault(path, 'is busy; try again.', failure)
      await busyPause(runtime, tries)
      try {
        return read(connection())
      } catch (error) {
        failure = error
      }
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
