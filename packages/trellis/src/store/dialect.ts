/**
 * What SQL engines spell differently, and nothing more: shared code writes portable SQL and asks here for the rest. Each engine has
 * one file that implements it.
 */
export interface Dialect {
  readonly name: 'sqlite' | 'postgres' | 'mysql'
  /** Column types for `create table`. */
  readonly types: {
    /** Up to 255 characters, can be a key, compared by code point. */
    readonly key: string
    /** Text of any length. */
    readonly text: string
    /** 64-bit integer. */
    readonly integer: string
    /** Floating point, 64 bits. */
    readonly real: string
    /** Bytes of any length. */
    readonly bytes: string
    /** Integer primary key that the engine numbers upwards; numbers are never used again. */
    readonly serial: string
  }
  /** `insert` that does nothing when a row with the same unique key exists: `${insertOrIgnore('inbox', ['group', 'id'])}` takes one value per column. */
  insertOrIgnore(table: string, columns: readonly string[]): string
  /** `insert` that replaces the other columns when a row with the same `keys` exists. Takes one value per column, in the order of `columns`. */
  upsert(table: string, keys: readonly string[], columns: readonly string[]): string
  /** Appended to a `select` inside a transaction: locks the rows and leaves out those locked by others. Empty where writers run alone. */
  readonly forUpdateSkipLocked: string
  /** Appended to a `select` inside a transaction: locks the rows, waiting for others. Empty where writers run alone. */
  readonly forUpdate: string
}
