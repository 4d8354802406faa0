import { Pool, type PoolClient } from 'pg'
import { Fault, isFault, type Runtime, sleep } from 'trellis/kernel'
import {
  type Dialect,
  type Migration,
  migrate,
  type Row,
  type Sql,
  type Store,
  type StoreCapabilities,
  type StoreHealth,
  type Transaction,
  type TransactionOptions,
} from 'trellis/store'
import { postgresDialect } from './dialect.ts'
import { busyFault, isConflict, isDisconnect, postgresFault, unavailableFault } from './faults.ts'
import { createReader } from './reader.ts'
import { Slots } from './slots.ts'
import { Statements } from './statement.ts'
import { PostgresTransaction } from './transaction.ts'
import { types } from './values.ts'
import { abortFault, watch } from './watch.ts'

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
    this.reader = createReader(runtime, this.#readers, this.#reading, this.#statements, {
      attempts: readers + 1,
      refuse: () => this.#refuseClosed(),
    })
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
    const watched = watch(this.#runtime, tx, options)
    try {
      const value = await Promise.race([body(tx), watched.stopped])
      tx.end('its body has returned')
      await Promise.race([tx.settled(), watched.stopped])
      if (tx.doomed !== undefined) throw tx.doomed
      watched.cancel()
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
      broken = await this.#rollback(client, tx, watched.fault !== undefined)
      // Whatever the body threw, perhaps in words of its own: it was the conflict that stopped it.
      if (watched.fault === undefined && tx.doom !== undefined && isConflict(tx.doom))
        return { kind: 'conflict', conflict: tx.doom }
      throw error
    } finally {
      watched.cancel()
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

  #fromServer(wallMs: number): number {
    return Math.round(this.#runtime.clock.fromWall(wallMs))
  }
}

type Attempt<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'conflict'; readonly conflict: unknown }

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

function atLeast(name: string, value: number, least: number): void {
  if (!(Number.isFinite(value) && value >= least))
    throw new RangeError(`${name} is ${value}; it must be a number of at least ${least}.`)
}
