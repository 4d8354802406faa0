import type { CancelTimer, Fault, Runtime } from '../../kernel/index.ts'
import type { Dialect } from '../dialect.ts'
import { migrate } from '../migrate.ts'
import type { Migration } from '../migration.ts'
import type { Sql, Store, StoreCapabilities, StoreHealth, Transaction, TransactionOptions } from '../store.ts'
import { sqliteDialect } from './dialect.ts'
import { unavailableFault } from './faults.ts'
import { createReader } from './reader.ts'
import { openSession, type Session, type SessionOptions } from './session.ts'

/** Where the database is, and its limits. */
export interface SqliteOptions {
  /** The database file; made, with its folder, when it is not there. `-wal` and `-shm` files lie beside it. The disk must be a local one. */
  readonly path: string
  /** How long a transaction waits for one of another process, milliseconds. Default 5,000, the default deadline of a call; then `STORE_BUSY`. */
  readonly busyTimeoutMs?: number
  /** How many transactions may wait in this process. Default 10,000, a second's work or less; then `STORE_BUSY`. */
  readonly maxQueue?: number
  /** Largest size of the database, bytes; a transaction beyond it is `DISK_FULL`. Default: the disk. */
  readonly maxBytes?: number
  /**
   * Size of the log from which on it is copied into the database file, bytes. Default 16 MiB: a crash then takes well under a second to recover from,
   * and a process that writes little never starts the thread that copies. Under load the log grows to a few times that.
   */
  readonly checkpointBytes?: number
  /** How likely a transaction's body is run once more before its commit, 0 to below 1. For tests, which find bodies that change more than the transaction. Default 0. */
  readonly rerunProbability?: number
}

/** First and longest pause between attempts to reopen after a failed flush, milliseconds. */
const REOPEN_FIRST_MS = 100
const REOPEN_LONGEST_MS = 5_000

/**
 * Opens a SQLite database as a store, for this process and others of this machine. Transactions commit to the write-ahead log and share its flush.
 *
 * When a flush fails, what waited for it is `COMMIT_UNKNOWN` and the store is `STORE_UNAVAILABLE` while it reopens itself: fresh connections check the
 * log's checksums, then all of it is written into the database file anew. That repeats until the disk obeys.
 *
 * The database file itself is SQLite's: it lies on the real disk also under a virtual runtime, which must be given an existing folder.
 * Never open and close the database file in this process by other means, since that drops SQLite's locks on it (sqlite.org/howtocorrupt.html, 2.2).
 *
 * @example
 * await using store = await openSqlite(createRuntime(), { path: 'data/orders.db' })
 * await store.transaction(tx => tx.run('insert into orders (id) values (?)', 'o-1'))
 */
export async function openSqlite(runtime: Runtime, options: SqliteOptions): Promise<Store> {
  const store = new SqliteStore(runtime, options)
  await store.open()
  return store
}

class SqliteStore implements Store {
  readonly capabilities: StoreCapabilities = { engine: 'sqlite', shared: 'machine' }
  readonly dialect: Dialect = sqliteDialect
  readonly reader: Sql
  readonly #runtime: Runtime
  readonly #options: SessionOptions
  #session: Session | undefined
  #unavailable: Fault
  #closing: Promise<void> | undefined
  #reopening: Promise<void> | undefined
  #cancelReopen: CancelTimer | undefined

  constructor(runtime: Runtime, options: SqliteOptions) {
    const {
      path,
      busyTimeoutMs = 5_000,
      maxQueue = 10_000,
      maxBytes,
      checkpointBytes = 16 * 1024 * 1024,
      rerunProbability = 0,
    } = options
    if (path === '' || path === ':memory:')
      throw new TypeError(`path is '${path}'; a store needs a file, such as 'data/orders.db'.`)
    atLeast('busyTimeoutMs', busyTimeoutMs, 0)
    atLeast('maxQueue', maxQueue, 1)
    if (maxBytes !== undefined) atLeast('maxBytes', maxBytes, 65_536)
    atLeast('checkpointBytes', checkpointBytes, 65_536)
    if (!(rerunProbability >= 0 && rerunProbability < 1))
      throw new RangeError(`rerunProbability is ${rerunProbability}; it must be at least 0 and below 1.`)
    this.#runtime = runtime
    this.#options = {
      path,
      busyTimeoutMs,
      maxQueue,
      maxBytes,
      checkpointBytes,
      rerunProbability,
      onFailed: fault => this.#fail(fault),
    }
    this.#unavailable = unavailableFault(path, 'is not open yet.')
    this.reader = createReader(runtime, () => this.#present().reader, path, busyTimeoutMs)
  }

  async open(): Promise<void> {
    this.#session = await openSession(this.#runtime, this.#options, false)
  }

  transaction<T>(body: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    if (this.#session === undefined || this.#closing !== undefined) return Promise.reject(this.#unavailable)
    return this.#session.writer.submit(body, options)
  }

  now(): Promise<number> {
    return Promise.resolve(this.#runtime.clock.now())
  }

  migrate(module: string, migrations: readonly Migration[]): Promise<void> {
    return migrate(this, module, migrations)
  }

  async health(): Promise<StoreHealth> {
    try {
      await this.reader.get('select count(*) as tables from sqlite_schema')
      const failure = this.#session?.checkpointFailure
      if (failure === undefined) return { healthy: true }
      return {
        healthy: false,
        message: `The log of ${this.#options.path} cannot be copied into the database: ${failure}`,
      }
    } catch (error) {
      return { healthy: false, message: (error as Error).message }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#unavailable = unavailableFault(this.#options.path, 'was closed; open it again.')
    this.#cancelReopen?.()
    await this.#reopening
    await this.#session?.close()
    this.#session = undefined
    await this.#reopening // the last flush may have failed, which gives the session up
  }

  #present(): Session {
    if (this.#session === undefined) throw this.#unavailable
    return this.#session
  }

  #fail(cause: Fault): void {
    const session = this.#session
    this.#session = undefined
    if (this.#closing === undefined)
      this.#unavailable = unavailableFault(
        this.#options.path,
        'is being reopened after its disk failed; try again, and check the disk.',
        cause,
      )
    this.#reopening = this.#reopen(session, this.#unavailable)
  }

  async #reopen(failed: Session | undefined, fault: Fault): Promise<void> {
    await failed?.abandon(fault).catch(() => undefined) // the disk fails; what cannot be closed is given up all the same
    let pauseMs = REOPEN_FIRST_MS
    while (this.#closing === undefined && this.#session === undefined) {
      await new Promise<void>(resolve => {
        const cancel = this.#runtime.timers.after(pauseMs, resolve, { background: true })
        this.#cancelReopen = () => {
          cancel()
          resolve()
        }
      })
      if (this.#closing !== undefined) return
      pauseMs = Math.min(pauseMs * 2, REOPEN_LONGEST_MS)
      try {
        this.#session = await openSession(this.#runtime, this.#options, true)
      } catch (error) {
        this.#unavailable = unavailableFault(
          this.#options.path,
          'could not be reopened after its disk failed; it is tried again. Check the disk.',
          error,
        )
      }
    }
  }
}

function atLeast(name: string, value: number, least: number): void {
  if (!(Number.isFinite(value) && value >= least))
    throw new RangeError(`${name} is ${value}; it must be a number of at least ${least}.`)
}
