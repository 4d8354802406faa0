/**
 * One connection: prepared statements by text, values in and out, SQLite's errors as faults. Every method runs to its end before it returns:
 * no cursor stays open, since an open one would hold back checkpoints.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { checkShape, checkValues, type StatementShape, shapeOf } from '../sql.ts'
import type { Row, SqlValue } from '../store.ts'
import { sqliteFault } from './faults.ts'

interface Prepared {
  readonly statement: StatementSync
  readonly shape: StatementShape
  /** Names of the columns; undefined where the text leaves them to the table (`select *`), so that another process may change them. */
  readonly columns: readonly string[] | undefined
  /** Reads integers as bigint, and makes numbers of the safe ones. */
  wide: boolean
}

/** Half of how many prepared statements a connection keeps; see `#prepare`. */
const GENERATION = 250

/** A connection to a database file, with write-ahead log and without waiting for locks. */
export class Connection {
  readonly #path: string
  readonly #db: DatabaseSync
  readonly #readOnly: boolean
  #young: Map<string, Prepared> = new Map()
  #old: Map<string, Prepared> = new Map()
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #rollback: StatementSync
  #logPages: StatementSync | undefined
  /** Set by a statement that may have changed something. */
  wrote = false
  /** Pages that statements may have changed since this was set to 0, a rough guess upwards. */
  dirtyPages = 0

  /** Opens; throws what node:sqlite throws, so that the caller can tell a busy database from a damaged one. */
  constructor(path: string, options: { readonly readOnly: boolean; readonly maxBytes?: number }) {
    this.#path = path
    this.#readOnly = options.readOnly
    this.#db = new DatabaseSync(path, { readOnly: options.readOnly, timeout: 0, enableForeignKeyConstraints: true })
    try {
      if (!options.readOnly) this.#db.exec('pragma journal_mode = wal')
      // NORMAL leaves the flush of commits to us (flush.ts); checkpoints still flush as they must.
      this.#db.exec('pragma synchronous = normal; pragma wal_autocheckpoint = 0; pragma temp_store = memory')
      if (options.maxBytes !== undefined) {
        const { page_size: size } = this.#db.prepare('pragma page_size').get() as { page_size: number }
        this.#db.exec(`pragma max_page_count = ${Math.max(1, Math.floor(options.maxBytes / size))}`)
      }
      this.#begin = this.#db.prepare('begin immediate')
      this.#commit = this.#db.prepare('commit')
      this.#rollback = this.#db.prepare('rollback')
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  /** Takes the write lock. Throws what node:sqlite throws, so that the caller can wait for a busy database. */
  begin(): void {
    this.wrote = false
    if (this.#db.isTransaction) this.#rollback.run() // one that could not be rolled back when it ended
    this.#begin.run()
  }

  /** Throws unless the database can be written: SQLite opens a read-only file all the same, and even begins a transaction on it. */
  checkWritable(): void {
    this.begin()
    try {
      const { user_version: version } = this.#db.prepare('pragma user_version').get() as { user_version: number }
      this.#db.exec(`pragma user_version = ${version}`)
    } finally {
      this.rollback()
    }
  }

  /** Commits to the log, not yet to the medium. On a failure the transaction is rolled back. */
  commit(): void {
    try {
      this.#commit.run()
    } catch (error) {
      this.rollback()
      throw sqliteFault(error, this.#path, 'commit')
    }
  }

  /** Rolls back, unless SQLite has done so by itself after a failure. Never throws: what keeps it from rolling back is met by the next `begin`. */
  rollback(): void {
    try {
      if (this.#db.isTransaction) this.#rollback.run()
    } catch {
      // The disk fails, or the connection is closed; nothing was committed either way.
    }
  }

  all(text: string, values: readonly SqlValue[]): Row[] {
    const prepared = this.#prepare(text)
    this.#check(text, prepared, values)
    try {
      const found = this.#read(prepared, () => prepared.statement.all(...values)) as unknown as SqlValue[][]
      const columns = prepared.columns ?? columnsOf(prepared.statement)
      const rows: Row[] = []
      for (let i = 0; i < found.length; i++) rows.push(toRow(columns, found[i] as SqlValue[], prepared.wide))
      return rows
    } catch (error) {
      throw this.#fault(error, text)
    }
  }

  get(text: string, values: readonly SqlValue[]): Row | undefined {
    const prepared = this.#prepare(text)
    this.#check(text, prepared, values)
    try {
      const found = this.#read(prepared, () => prepared.statement.get(...values)) as unknown as SqlValue[] | undefined
      if (found === undefined) return undefined
      return toRow(prepared.columns ?? columnsOf(prepared.statement), found, prepared.wide)
    } catch (error) {
      throw this.#fault(error, text)
    }
  }

  run(text: string, values: readonly SqlValue[]): number {
    const prepared = this.#prepare(text)
    this.#check(text, prepared, values)
    try {
      const changes = Number(prepared.statement.run(...values).changes)
      // SQLite reports the changes of the last write for every other kind.
      if (prepared.shape.kind !== 'write') return 0
      this.dirtyPages += changes
      return changes
    } catch (error) {
      throw this.#fault(error, text)
    }
  }

  /**
   * Pages in the log, of all processes; undefined inside a transaction, and when it cannot be told now (the next transaction meets the reason). Before SQLite 3.51 the pragma takes `noop` for `passive`, which answers the same,
   * but only after it has copied the log.
   */
  logPages(): number | undefined {
    if (this.#db.isTransaction) return undefined
    try {
      this.#logPages ??= this.#db.prepare('pragma wal_checkpoint(noop)')
      return (this.#logPages.get() as { readonly log: number }).log
    } catch {
      return undefined
    }
  }

  /** Closes. The last writable connection of all processes copies the log into the database file and removes it; a read-only one leaves it. */
  close(): void {
    this.#db.close()
  }

  /** Runs the store's own statement, such as a pragma; its first row. */
  own(text: string): Row | undefined {
    return this.#db.prepare(text).get() as Row | undefined
  }

  #check(text: string, prepared: Prepared, values: readonly SqlValue[]): void {
    const bytes = checkValues(text, prepared.shape, values)
    if (prepared.shape.kind === 'select') return
    this.wrote = true
    this.dirtyPages += 1 + (bytes >> 12)
  }

  /** Numbers are the fast way; a statement that meets an integer beyond 2^53 turns to bigint for good. Only `select` may be run again for that. */
  #read<T>(prepared: Prepared, step: () => T): T {
    try {
      return step()
    } catch (error) {
      if (prepared.wide || (error as { code?: unknown }).code !== 'ERR_OUT_OF_RANGE') throw error
      prepared.wide = true
      prepared.statement.setReadBigInts(true)
      return step()
    }
  }

  /** Two generations bound the cache at `2 * GENERATION` without any bookkeeping on a hit: what was not used while the young filled is dropped. */
  #prepare(text: string): Prepared {
    const hit = this.#young.get(text)
    if (hit !== undefined) return hit
    const prepared = this.#old.get(text) ?? this.#compile(text)
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(text, prepared)
    return prepared
  }

  #compile(text: string): Prepared {
    const shape = shapeOf(text)
    checkShape(text, shape)
    try {
      const statement = this.#db.prepare(text)
      statement.setReturnArrays(true)
      const wide = shape.kind !== 'select'
      if (wide) statement.setReadBigInts(true)
      return { statement, shape, columns: text.includes('*') ? undefined : columnsOf(statement), wide }
    } catch (error) {
      throw this.#fault(error, text)
    }
  }

  #fault(error: unknown, text: string): unknown {
    const fault = sqliteFault(error, this.#path, text)
    if (!this.#readOnly || fault.reason !== 'STORE_READ_ONLY') return fault
    return sqliteFault(new Error('The reader cannot write; use a transaction.', { cause: error }), this.#path, text)
  }
}

function columnsOf(statement: StatementSync): string[] {
  return statement.columns().map(({ name }) => name)
}

/** Rows are asked for as arrays and named here: node:sqlite's own objects have no prototype, which assertions and loggers trip over, and cost twice as much. */
function toRow(columns: readonly string[], values: readonly SqlValue[], wide: boolean): Row {
  const row: Row = {}
  for (let i = 0; i < columns.length; i++) {
    const value = values[i] as SqlValue
    const narrow =
      wide && typeof value === 'bigint' && value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
    row[columns[i] as string] = narrow ? Number(value) : value
  }
  return row
}
