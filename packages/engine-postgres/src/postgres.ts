import { Pool, type PoolClient } from 'pg'
import { Fault, isFault, type Runtime, sleep } from 'trellis/kernel'
import {
  type Dialect,
  type Migration,
  migrate,
  type Row,
  type Sql,
  type SqlValue,
  type Store,
  type StoreCapabilities,
  type StoreHealth,
  type Transaction,
  type TransactionOptions,
} from 'trellis/store'
import { postgresDialect } from './dialect.ts'
import { busyFault, isConflict, isDisconnect, postgresFault, tooLongFault, unavailableFault } from './faults.ts'
import { Slots } from './slots.ts'
import { Statements } from './statement.ts'
import { PostgresTransaction } from './transaction.ts'
import { types } from './values.ts'

/** Where the database is, and how it is used. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string
  /** Schema in which the tables lie, made when it is not there; lower case. Default `public`. One for each service lets them share a database. */
  readonly schema?: string
  /** Transactions at once, each on a connection. Default 10: more than a database server's cores seldom help. */
  readonly poolSize?: number
  /** Connections for reads outside transactions. Default 4. */
  readonly readers?: number
  /** Transactions or reads that may wait for a connection. Default 1,000; then `STORE_BUSY`. */
  readonly maxQueue?: number
  /** How long to wait for a connection to be made, milliseconds of the server's clock. Default 5,000, the default deadline of a call. */
  readonly connectTimeoutMs?: number
  /** How long a transaction is run again after conflicts, milliseconds. Default 5,000; then `STORE_BUSY`. */
  readonly conflictTimeoutMs?: number
}

/** Longest pause before a transaction is run again after a conflict, milliseconds. */
const LONGEST_PAUSE_MS = 100

/** Reads the server's clock in milliseconds. */
const NOW = 'select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now'

/**
 * Opens a PostgreSQL database as a store. Transactions are SERIALIZABLE and run again after conflicts (SQLSTATE 40001, 40P01). A lost server is
 * `STORE_UNAVAILABLE` until it is back; connections are made anew. A connection lost during the commit is `COMMIT_UNKNOWN`.
 *
 * @example
 * await using store = await openPostgres(createRuntime(), { url: 'postgres://localhost/shop', schema: 'orders' })
 */
export async function openPostgres(runtime: Runtime, options: PostgresOptions): Promise<Store> {
  const store = new PostgresStore(runtime, options)
  try {
    await store.open()
  } catch (error) {
    await store[Symbol.asyncDispose]()
    throw error
  }
  return store
}

class PostgresStore implements Store {
  readonly capabilities: StoreCapabilities = { engine: 'postgres', shared: 'network' }
  readonly dialect: Dialect = postgresDialect
  readonly reader: Sql
  readonly #runtime: Runtime
  readonly #schema: string
  readonly #poolSize: number
  readonly #conflictTimeoutMs: number
  readonly #writers: Pool
  readonly #readers: Pool
  readonly #writing: Slots
  readonly #reading: Slots
  readonly #statements: Statements = new Statements()
  #closing: Promise<void> | undefined

  constructor(runtime: Runtime, options: PostgresOptions) {
    const { url, schema = 'public', poolSize = 10, readers = 4, maxQueue = 1_000 } = options
    const { connectTimeoutMs = 5_000, conflictTimeoutMs = 5_000 } = options
    if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema))
      throw new TypeError(`schema is '${schema}'; it must be lower-case letters, digits and _, such as 'orders'.`)
    atLeast('poolSize', poolSize, 1)
    atLeast('readers', readers, 1)
    atLeast('maxQueue', maxQueue, 0)
    atLeast('connectTimeoutMs', connectTimeoutMs, 1)
    atLeast('conflictTimeoutMs', conflictTimeoutMs, 0)
    const pool = (size: number, settings: string): Pool => {
      const made = new Pool({
        connectionString: url,
        max: size,
        connectionTimeoutMillis: connectTimeoutMs,
        idleTimeoutMillis: 60_000,
        allowExitOnIdle: true,
        keepAlive: true,
        types,
        // Spaces separate settings, so that the names above must hold none. A committed transaction is durable whatever the server's default is.
        options: `-c search_path=${schema} -c synchronous_commit=on -c client_encoding=UTF8 ${settings}`,
      })
      // An idle connection that breaks is dropped by the pool; the next use makes a new one and reports what is wrong then.
      made.on('error', () => undefined)
      return made
    }
    this.#runtime = runtime
    this.#schema = schema
    this.#poolSize = poolSize
    this.#conflictTimeoutMs = conflictTimeoutMs
    this.#writers = pool(poolSize, '')
    this.#readers = pool(readers, '-c default_transaction_read_only=on')
    this.#writing = new Slots(poolSize, maxQueue)
    this.#reading = new Slots(readers, maxQueue)
    this.reader = this.#createReader()
  }

  async open(): Promise<void> {
    if (this.#schema === 'public') return void (await this.now())
    // Two processes at once collide in the catalogue; the second attempt finds the schema.
    await this.transaction(tx => tx.run(`create schema if not exists ${this.#schema}`))
  }

  async transaction<T>(body: (tx: Transaction) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    this.#refuseClosed()
    await this.#writing.enter(options.signal, abortFault)
    try {
      const giveUpAt = this.#runtime.clock.monotonic() + this.#conflictTimeoutMs
      for (let attempt = 0; ; attempt++) {
        const outcome = await this.#attempt(body, options)
        if (outcome.kind === 'done') return outcome.value
        if (this.#runtime.clock.monotonic() >= giveUpAt) throw busyFault(outcome.conflict)
        const longest = Math.min(LONGEST_PAUSE_MS, 2 ** Math.min(attempt, 10))
        await sleep(this.#runtime, this.#runtime.random.next() * longest)
        if (options.signal?.aborted === true) throw abortFault(options.signal)
      }
    } finally {
      this.#writing.leave()
    }
  }

  async now(): Promise<number> {
    const row = await this.reader.get<{ now: number }>(NOW)
    return this.#fromServer(row?.now ?? 0)
  }

  migrate(module: string, migrations: readonly Migration[]): Promise<void> {
    return migrate(this, module, migrations)
  }

  async health(): Promise<StoreHealth> {
    try {
      await this.now()
      return { healthy: true }
    } catch (error) {
      return { healthy: false, message: (error as Error).message }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all([this.#writing.idle(), this.#reading.idle()])
    await this.#runtime.native(Promise.all([this.#writers.end(), this.#readers.end()]))
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw unavailableFault('The store was closed; open it again.')
  }

  /** Runs the body once. A conflict is an outcome, since the body is then run again; everything else that fails is thrown. */
  async #attempt<T>(body: (tx: Transaction) => Promise<T>, options: TransactionOptions): Promise<Attempt<T>> {
    const { client, tx } = await this.#begin(options.maxHoldMs ?? 1_000)
    let broken: Error | undefined
    const watch = this.#watch(tx, options)
    try {
      const value = await Promise.race([body(tx), watch.stopped])
      tx.end('its body has returned')
      await Promise.race([tx.settled(), watch.stopped])
      if (tx.doomed !== undefined) throw tx.doomed
      watch.cancel()
      try {
        await this.#commit(client)
      } catch (error) {
        if (isDisconnect(error)) broken = error as Error
        if (isConflict(error)) return { kind: 'conflict', conflict: error }
        throw isDisconnect(error) ? commitUnknown(error) : postgresFault(error, 'commit')
      }
      for (const listener of tx.listeners) callListener(listener)
      return { kind: 'done', value }
    } catch (error) {
      tx.end('it was rolled back')
      if (broken !== undefined || isFault(error, 'COMMIT_UNKNOWN')) throw error
      broken = await this.#rollback(client, tx, watch.fault !== undefined)
      // Whatever the body threw, perhaps in words of its own: it was the conflict that stopped it.
      if (watch.fault === undefined && tx.doom !== undefined && isConflict(tx.doom))
        return { kind: 'conflict', conflict: tx.doom }
      throw error
    } finally {
      watch.cancel()
      client.release(broken)
    }
  }

  /** Takes a connection and begins. A pooled connection may have died unnoticed, which is no news as long as a fresh one can be had. */
  async #begin(maxHoldMs: number): Promise<{ readonly client: PoolClient; readonly tx: PostgresTransaction }> {
    const serverMs = Math.max(1, Math.ceil(maxHoldMs))
    // One round trip. The server's own limits are the second line: they free the rows also when this process has died or hangs.
    const text = `begin isolation level serializable; set local statement_timeout = ${serverMs};
      set local idle_in_transaction_session_timeout = ${serverMs}; ${NOW}`
    for (let attempt = 0; ; attempt++) {
      let client: PoolClient | undefined
      try {
        client = await this.#runtime.native(this.#writers.connect())
        // The pool listens only while a connection is idle; without a listener, one that breaks would end the process.
        if (client.listenerCount('error') === 0) client.on('error', () => undefined)
        const results = (await this.#runtime.native(client.query(text))) as unknown as { readonly rows: Row[] }[]
        const now = this.#fromServer(results.at(-1)?.rows[0]?.now as number)
        return { client, tx: new PostgresTransaction(client, this.#statements, now) }
      } catch (error) {
        client?.release(error as Error)
        if (client === undefined || attempt > this.#poolSize || !isDisconnect(error))
          throw postgresFault(error, 'begin')
      }
    }
  }

  async #commit(client: PoolClient): Promise<void> {
    const { command } = await this.#runtime.native(client.query('commit'))
    // PostgreSQL answers the commit of a failed transaction with ROLLBACK, and without an error.
    if (command !== 'COMMIT') throw new Error(`the commit was answered with ${command}`)
  }

  /** Rolls back; an error when the connection cannot be used again. */
  async #rollback(client: PoolClient, tx: PostgresTransaction, stopped: boolean): Promise<Error | undefined> {
    // What was stopped may be in the middle of a statement: only closing the connection ends it now.
    if (stopped) return new Error('stopped')
    if (tx.doom !== undefined && (isDisconnect(tx.doom) || (tx.doom as { code?: unknown }).code === '0A000'))
      return new Error('lost', { cause: tx.doom })
    try {
      await this.#runtime.native(client.query('rollback'))
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  /** Stops a body that holds too long or whose caller gave up. `stopped` never resolves. */
  #watch(tx: PostgresTransaction, options: TransactionOptions): Watch {
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => undefined) // it may be rejected after everything else has ended
    const stop = (fault: Fault, why: string): void => {
      watch.fault = fault
      tx.end(why)
      reject(fault)
    }
    const cancelTimer = this.#runtime.timers.after(options.maxHoldMs ?? 1_000, () =>
      stop(tooLongFault(), 'it held the database for too long'),
    )
    const { signal } = options
    const onAbort = (): void => {
      if (signal !== undefined) stop(abortFault(signal), 'its caller gave up')
    }
    const watch: Watch = {
      stopped: promise,
      fault: undefined,
      cancel: () => {
        cancelTimer()
        signal?.removeEventListener('abort', onAbort)
      },
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted === true) onAbort()
    return watch
  }

  #createReader(): Sql {
    const query = async (text: string, values: readonly SqlValue[]): Promise<Row[]> => {
      this.#refuseClosed()
      const statement = this.#statements.prepare(text, values)
      await this.#reading.enter(undefined, abortFault)
      try {
        for (let attempt = 0; ; attempt++) {
          try {
            const { rows } = await this.#runtime.native(
              this.#readers.query({
                text: statement.text,
                values: values as SqlValue[],
                ...(statement.name === undefined ? {} : { name: statement.name }),
              }),
            )
            return rows as Row[]
          } catch (error) {
            if ((error as { code?: unknown }).code === '25006')
              throw postgresFault(
                new Fault('internal', 'The reader cannot write; use a transaction.', {
                  reason: 'SQL_ERROR',
                  cause: error,
                }),
              )
            // Reading again is harmless: pooled connections may have died unnoticed, and prepared statements be out of date.
            const again = isConflict(error) || (isDisconnect(error) && !isRefused(error))
            if (!again || attempt > this.#poolSize) throw postgresFault(error, text)
          }
        }
      } finally {
        this.#reading.leave()
      }
    }
    return {
      all: async <R = Row>(text: string, ...values: readonly SqlValue[]): Promise<R[]> =>
        (await query(text, values)) as R[],
      get: async <R = Row>(text: string, ...values: readonly SqlValue[]): Promise<R | undefined> =>
        (await query(text, values))[0] as R | undefined,
      run: async (text: string, ...values: readonly SqlValue[]): Promise<number> => {
        await query(text, values)
        return 0
      },
    }
  }

  #fromServer(wallMs: number): number {
    return Math.round(this.#runtime.clock.fromWall(wallMs))
  }
}

type Attempt<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'conflict'; readonly conflict: unknown }

interface Watch {
  readonly stopped: Promise<never>
  fault: Fault | undefined
  cancel(): void
}

/** Whether a connection could not be made at all, so that trying again at once is in vain. */
function isRefused(error: unknown): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string }
  return code === 'ECONNREFUSED' || code === '57P03' || message?.includes('timeout') === true
}

function commitUnknown(cause: unknown): Fault {
  return new Fault(
    'unknown',
    'The connection broke while a transaction was being committed: it may or may not have happened. Look at the state before trying again.',
    { reason: 'COMMIT_UNKNOWN', cause },
  )
}

function callListener(listener: () => void): void {
  try {
    listener()
  } catch (error) {
    // The commit stands; a listener's bug must be seen and must not look like a failed transaction.
    void Promise.reject(error)
  }
}

function abortFault(signal: AbortSignal): Fault {
  if (isFault(signal.reason)) return signal.reason
  return new Fault('cancelled', 'The transaction was given up before its commit; nothing of it was kept.', {
    cause: signal.reason,
  })
}

function atLeast(name: string, value: number, least: number): void {
  if (!(Number.isFinite(value) && value >= least))
    throw new RangeError(`${name} is ${value}; it must be a number of at least ${least}.`)
}
