/**
 * One order for all events of a store, without gaps, that readers can follow by remembering a number.
 *
 * A number taken while appending would not do: where writers run side by side (PostgreSQL), number 7 may be committed before number 6, a
 * reader moves on to 7 and never sees 6. So an append only notes that its events have no position yet, and a transaction of its own gives positions to what it
 * sees committed, behind the last one. Of two that do so at once one takes the next position and the other fails on it: the position is
 * the lock. A later event of an aggregate was noted behind its earlier one, and what was committed before another began was noted before it, so both come
 * out in that order.
 *
 * Appending never reads what ordering writes, and ordering reads outside of its transaction: on PostgreSQL neither is a reason to run the other again.
 */
import { isFault } from '../kernel/fault.ts'
import type { Sql, Store, Transaction } from '../store/store.ts'
import type { AnyEvent, EventFamily, PositionedEvent } from './events.ts'
import { decodeEvent, type EventRow } from './stream.ts'

const HEAD = 'select max(position) as position from trellis_events_order'
/** Events that get their position in one transaction: a few milliseconds of work. */
const BATCH = 1000
const LAST = `select max(id) as id, count(*) as size from (select id from trellis_events_unordered order by id limit ${BATCH}) as batch`
const ASSIGN = `insert into trellis_events_order (position, aggregate, aggregate_id, version)
  select ? + row_number() over (order by id), aggregate, aggregate_id, version from trellis_events_unordered where id <= ?`
const FORGET = 'delete from trellis_events_unordered where id <= ?'

/** Position of the last ordered event; 0 when there is none. */
export async function headPosition(sql: Sql): Promise<number> {
  return (await sql.get<{ position: number | null }>(HEAD))?.position ?? 0
}

interface Pending {
  readonly head: number
  /** Highest note to order now; undefined when nothing waits. */
  readonly last: number | undefined
  /** Whether more waits behind it. */
  readonly more: boolean
}

async function pendingEvents(sql: Sql): Promise<Pending> {
  const head = await headPosition(sql)
  const row = await sql.get<{ id: number | null; size: number }>(LAST)
  return { head, last: row?.id ?? undefined, more: row?.size === BATCH }
}

async function assign(tx: Transaction, head: number, last: number): Promise<number> {
  const count = await tx.run(ASSIGN, head, last)
  await tx.run(FORGET, last)
  return head + count
}

/** Gives all committed events their positions; the last position. */
export async function orderEvents(store: Store): Promise<number> {
  // Where writers run alone there is no race to lose, and looking outside of the turn would only make one.
  const alone = store.dialect.forUpdate === ''
  for (;;) {
    const { head, last, more } = await pendingEvents(store.reader)
    if (last === undefined) return head
    try {
      if (alone) {
        const ordered = await store.transaction(orderEventsIn)
        if (ordered.complete) return ordered.head
      } else {
        const reached = await store.transaction(tx => assign(tx, head, last))
        if (!more) return reached
      }
    } catch (error) {
      // Another process was first with that position; what it left is looked at again.
      if (!isFault(error, 'UNIQUE_VIOLATION')) throw error
    }
  }
}

/** Gives events their positions inside a transaction, which then conflicts with appends beside it. `complete`: none is left. */
export async function orderEventsIn(tx: Transaction): Promise<{ readonly head: number; readonly complete: boolean }> {
  const { head, last, more } = await pendingEvents(tx)
  return last === undefined ? { head, complete: true } : { head: await assign(tx, head, last), complete: !more }
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
  // The coalesce keeps a planner from comparing e.aggregate with the one name, which would make it look through all events of the family.
  const text = `select o.position, e.aggregate, e.aggregate_id, e.version, e.event_id, e.type, e.schema_version, e.recorded_at, e.correlation_id,
    e.causation_id, e.actor, e.traceparent, e.data from trellis_events_order o
    join trellis_events e on e.aggregate = o.aggregate and e.aggregate_id = o.aggregate_id and e.version = o.version
    where o.position > ? and o.position <= ? and coalesce(o.aggregate, '') in (${names.map(() => '?').join(', ')}) order by o.position limit ?`
  return async (sql, after, head, limit) => {
    const until = Math.min(head, after + WINDOW)
    const rows = await sql.all<EventRow & { readonly position: number }>(text, after, until, ...names, limit)
    const events = rows.map(row => ({ position: row.position, event: decodeEvent(byName.get(row.aggregate)!, row) }))
    return { events, position: rows.length < limit ? Math.max(after, until) : rows[rows.length - 1]!.position }
  }
}
