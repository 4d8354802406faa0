import type { Dialect } from '../store/dialect.ts'
import type { Transaction } from '../store/store.ts'
import type { AnyEvent, EventFamily, RecordedEvent } from './events.ts'

/**
 * Tables derived from events, for queries. Inert data, made by `projection`.
 *
 * Each table stands in one of two slots (`order_list__1`, `order_list__2`) behind a view of its own name. Queries read the view; `apply` writes
 * the slot whose name it is given. A rebuild fills the other slot and then moves the view, so that readers see the old rows or the new ones, never a part.
 */
export interface Projection {
  readonly name: string
  readonly version: number
  readonly mode: 'inline' | 'asynchronous'
  readonly from: readonly EventFamily[]
  readonly tables: Readonly<Record<string, TableStatements>>
  /** Applies one event. */
  apply(event: RecordedEvent, tx: Transaction, tables: Readonly<Record<string, string>>): Promise<void>
}

/** The statements that make a table, its first `create table`. `table` is the name to use; name each index after it too (`${table}_by_user`). */
export type TableStatements = (table: string, dialect: Dialect) => readonly string[]

/** What `projection` takes. */
export interface ProjectionOptions<E extends AnyEvent, T extends string> {
  /**
   * `inline`: in the transaction that appends, so that a query sees what a command did. `asynchronous`: after it, in the order of all events; a failure there
   * holds up nobody's command. Default `inline`.
   */
  readonly mode?: 'inline' | 'asynchronous'
  /** Raise it when `tables` or `apply` change: the projection is rebuilt at the next start. Default 1. */
  readonly version?: number
  /** The aggregates whose events it takes. */
  readonly from: readonly EventFamily<E>[]
  /** Its tables, by the name that queries use: up to 40 of `a-z`, `0-9` and `_`. */
  readonly tables: Readonly<Record<T, TableStatements>>
  /**
   * Applies one event to the tables, whose names for this run are in `tables`. It may be given any event of `from`: pass over the others. Must depend on the
   * event and the tables alone, so that a rebuild gives the same bytes: no clock, no chance, no numbers given by the database. An inline one keeps to rows
   * that belong to the event's aggregate, or adds to sums: transactions that touch no common row may be rebuilt in another order than they ran.
   */
  apply(event: RecordedEvent<E>, tx: Transaction, tables: Readonly<Record<T, string>>): Promise<void>
}

const NAME = /^[a-z][a-z0-9-]{0,63}$/
const TABLE = /^[a-z][a-z0-9_]{0,39}$/

/**
 * Declares a projection.
 *
 * @example
 * const orderList = projection('order-list', {
 *   from: [Order],
 *   tables: { order_list: (table, { types }) => [`create table ${table} (id ${types.key} primary key, status ${types.key} not null)`] },
 *   async apply(event, tx, { order_list }) {
 *     if (event.type === 'OrderCreated') await tx.run(`insert into ${order_list} (id, status) values (?, ?)`, event.aggregateId, 'created')
 *   },
 * })
 */
export function projection<E extends AnyEvent, T extends string>(
  name: string,
  options: ProjectionOptions<E, T>,
): Projection {
  const { mode = 'inline', version = 1, from, tables } = options
  if (!NAME.test(name)) {
    throw new TypeError(
      `The projection's name is ${JSON.stringify(name)}; use up to 64 of a-z, 0-9 and "-", a letter first.`,
    )
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new RangeError(`The version of ${name} is ${version}; use a whole number from 1 on.`)
  }
  if (from.length === 0) throw new TypeError(`${name} takes events from nowhere; list aggregates in from.`)
  const names = Object.keys(tables)
  if (names.length === 0) throw new TypeError(`${name} has no table; declare at least one in tables.`)
  for (const table of names) {
    if (!TABLE.test(table)) {
      throw new TypeError(
        `${name} has a table ${JSON.stringify(table)}; use up to 40 of a-z, 0-9 and "_", a letter first.`,
      )
    }
  }
  const apply = options.apply as unknown as Projection['apply']
  return Object.freeze({ name, version, mode, from, tables, apply })
}
