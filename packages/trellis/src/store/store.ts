/**
 * The Store port: transactional SQL. A service keeps its state, events, outbox, inbox and timers in one store, so that
 * they commit together. Implementations: `sqlite/` here, and one package per server.
 */
import type { Dialect } from './dialect.ts'
import type { Migration } from './migration.ts'

/** A value that every engine stores. Booleans are 0 and 1; times are integers (milliseconds since 1970); JSON is text. */
export type SqlValue = string | number | bigint | Uint8Array | null

/** A row, by column name. Integers come as numbers when safe, else as bigint. */
export type Row = Record<string, SqlValue>

/**
 * Runs SQL. Text is portable SQL with `?` for each parameter, the same on every engine (an engine rewrites the
 * placeholders); what engines spell differently comes from `Dialect`. Statements are prepared and cached by their text, so text must
 * be constant and values must be parameters. A text holds one `select`, `insert`, `update`, `delete`, `create`, `alter` or `drop`; names are
 * in lower case (engines differ in what they make of others).
 */
export interface Sql {
  /** All rows of a query. */
  all<R = Row>(text: string, ...values: readonly SqlValue[]): Promise<R[]>
  /** The first row of a query, or undefined. */
  get<R = Row>(text: string, ...values: readonly SqlValue[]): Promise<R | undefined>
  /** Runs a statement; the number of rows that it changed. */
  run(text: string, ...values: readonly SqlValue[]): Promise<number>
}

/**
 * One serializable transaction. Valid until the body returns; used later it throws `TRANSACTION_OVER`. Its statements run one after
 * the other. A statement that fails dooms the transaction: whatever the body makes of the failure, nothing is committed, since engines
 * differ in what they would keep.
 */
export interface Transaction extends Sql {
  /** Which engine's spelling `dialect` gives. */
  readonly dialect: Dialect
  /** Time of the store, milliseconds since 1970, the same throughout the transaction: for leases and due times, which several machines compare. */
  readonly now: number
  /** Calls back once the commit is durable; never when it was rolled back. For wake-ups and caches, not for state. */
  onCommit(listener: () => void): void
}

/** Options of one transaction. */
export interface TransactionOptions {
  /** Gives up waiting or running; what was done is rolled back. */
  readonly signal?: AbortSignal
  /** Longest time the body may hold the transaction, in milliseconds; then it is rolled back with `TRANSACTION_TOO_LONG`. Default 1,000: writers queue behind it. */
  readonly maxHoldMs?: number
}

/** What an engine can do; shared code asks before it relies on it. */
export interface StoreCapabilities {
  /** Engine name for messages: `sqlite`, `postgres`, `mysql`. */
  readonly engine: string
  /** Several processes, on this machine or others, may open it at once. */
  readonly shared: 'machine' | 'network'
}

/** Whether the store can serve now, for readiness. */
export type StoreHealth = { readonly healthy: true } | { readonly healthy: false; readonly message: string }

/**
 * A transactional SQL store.
 *
 * Failures are faults: `unavailable` with reason `STORE_UNAVAILABLE` (not reachable, closed, or waiting for a reopen), `STORE_BUSY` (a lock was not
 * had in time), `DISK_FULL`, `STORE_READ_ONLY`; `data_loss` / `STORE_CORRUPT`; `unknown` / `COMMIT_UNKNOWN` when the flush of a commit failed;
 * `already_exists` / `UNIQUE_VIOLATION`; `failed_precondition` / `CONSTRAINT_VIOLATION`; `deadline_exceeded` / `TRANSACTION_TOO_LONG`; `invalid_argument` / `TEXT_NOT_STORABLE` (text with the
 * character NUL); `internal` / `SQL_ERROR` for SQL that the engine refuses.
 */
export interface Store extends AsyncDisposable {
  readonly capabilities: StoreCapabilities
  readonly dialect: Dialect
  /**
   * Runs `body` in a serializable transaction and resolves once the commit survives power loss. The body may run more than once (after a
   * conflict; under test at random), so it changes nothing but the transaction. A throw rolls back and is passed on.
   * Awaiting another transaction of the same store inside `body` ends in `TRANSACTION_TOO_LONG`.
   */
  transaction<T>(body: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** Reads outside a transaction: each statement sees the latest commit, on a connection that writers do not hold up. Writing through it is `SQL_ERROR`. */
  readonly reader: Sql
  /** Time of the store, milliseconds since 1970. */
  now(): Promise<number>
  /** Brings one module's tables up to date. See `Migration`. */
  migrate(module: string, migrations: readonly Migration[]): Promise<void>
  /** Whether it can serve. */
  health(): Promise<StoreHealth>
}
