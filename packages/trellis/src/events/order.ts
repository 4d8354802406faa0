/**
 * One order for all events of a store, without gaps, that readers can follow by remembering a number.
 *
 * A number taken while appending would not do: where writers run side by side (PostgreSQL), number 7 may be committed before number 6, a
 * reader moves on to 7 and never sees 6. So an append only notes that its events have no position yet, and a transaction of its own, the only
 * one at a time (it updates the head row), gives positions to what it sees committed. A later event of an aggregate was noted behind its
 * earlier one, and what was committed before another began was noted before it, so both come out in that order.
 * Appending never reads what ordering writes, hence the tables of their own: on PostgreSQL the two never conflict.
 */
import type { Sql, Transaction } from '../store/store.ts'
import type { AnyEvent, EventFamily, PositionedEvent } from './events.ts'
import { decodeEvent, type EventRow } from './stream.ts'

const HEAD = 'select position from trellis_events_head where id = 1'
const PENDING = 'select id from trellis_events_unordered order by id limit 1'
const SET_HEAD = 'update trellis_events_head set position = ? where id = 1'
/** Events that get their position in one transaction: a few milliseconds of work. */
const BATCH = 1000
const LAST = `select max(id) as id, count(*) as size from (select id from trellis_events_unordered order by id limit ${BATCH}) as batch`
const ASSIGN = `insert into trellis_events_order (position, aggregate, aggregate_id, version)
  select ? + row_number() over (order by id), aggregate, aggregate_id, version from trellis_events_unordered where id <= ?`
const FORGET = 'delete from trellis_events_unordered where id <= ?'

/** Position of the last ordered event; 0 when there is none. */
export async function headPosition(sql: Sql): Promise<number> {
  return (await sql.get<{ position: number }>(HEAD))?.position ?? 0
}

/** Whether committed events wait for their position. */
export async function hasUnordered(sql: Sql): Promise<boolean> {
  return (await sql.get(PENDING)) !== undefined
}

/** Gives the oldest committed events without a position theirs, at most 1,000. `complete`: none was left. */
export async function orderEvents(tx: Transaction): Promise<{ readonly head: number; readonly complete: boolean }> {
  const row = await tx.get<{ position: number }>(`${HEAD} ${tx.dialect.forUpdate}`)
  const head = row?.position ?? 0
  const last = await tx.get<{ id: number | null; size: number }>(LAST)
  if (last === undefined || last.id === null) return { head, complete: true }
  await tx.run(ASSIGN, head, last.id)
  await tx.run(FORGET, last.id)
  await tx.run(SET_HEAD, head + last.size)
  return { head: head + last.size, complete: last.size < BATCH }
}

/** A piece of the order. */
export interface OrderedBatch<E extends AnyEvent = AnyEvent> {
  readonly events: readonly PositionedEvent<E>[]
  /** Where to go on. Beyond the last of `events` when what follows is of other families. */
  readonly position: number
}

/** Positions looked at for one batch at most: so that a reader of a rare family does not walk through the whole store at once. */
const WINDOW = 2000

/** Reads events of the given families in a fixed order. Made once for a set of families, since the text of a statement must be constant. */
export function orderedReader<E extends AnyEvent>(
  families: readonly EventFamily<E>[],
): (sql: Sql, after: number, head: number, limit: number) => Promise<OrderedBatch<E>> {
  const byName = new Map(families.map(family => [family.name, family]))
  const names = [...byName.keys()]
  const text = `select o.position, e.aggregate, e.aggregate_id, e.version, e.event_id, e.type, e.schema_version, e.recorded_at, e.correlation_id,
    e.causation_id, e.actor, e.traceparent, e.data from trellis_events_order o
    join trellis_events e on e.aggregate = o.aggregate and e.aggregate_id = o.aggregate_id and e.version = o.version
    where o.position > ? and o.position <= ? and o.aggregate in (${names.map(() => '?').join(', ')}) order by o.position limit ?`
  return async (sql, after, head, limit) => {
    const until = Math.min(head, after + WINDOW)
    const rows = await sql.all<EventRow & { readonly position: number }>(text, after, until, ...names, limit)
    const events = rows.map(row => ({ position: row.position, event: decodeEvent(byName.get(row.aggregate)!, row) }))
    return { events, position: rows.length < limit ? Math.max(after, until) : rows[rows.length - 1]!.position }
  }
}
