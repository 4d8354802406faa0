/** The events of one aggregate: appended with an expected version, read from a version on. */
import type { Cause } from '../kernel/cause.ts'
import { isFault } from '../kernel/fault.ts'
import type { Random } from '../kernel/runtime.ts'
import type { Sql, SqlValue, Transaction } from '../store/store.ts'
import { decodeData, encodeData, schemaVersionOf } from './event-data.ts'
import type { AnyEvent, EventFamily, RecordedEvent } from './events.ts'
import { brokenStream, illegalVersion, impossibleFirstEvent, versionConflict } from './faults.ts'

/** Columns of an event as `decodeEvent` takes them. */
export interface EventRow {
  readonly aggregate: string
  readonly aggregate_id: string
  readonly version: number
  readonly event_id: string
  readonly type: string
  readonly schema_version: number
  readonly recorded_at: number
  readonly correlation_id: string
  readonly causation_id: string
  readonly actor: string
  readonly traceparent: string | null
  readonly data: string
}

const EVENT_COLUMNS = `aggregate, aggregate_id, version, event_id, type, schema_version, recorded_at, correlation_id, causation_id, actor,
  traceparent, data`
const EVENT_ROW = '(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'
/** Rows of one insert at most: few texts to prepare, and an import of thousands of events takes few round trips. */
const CHUNK = 40
const VERSION = 'select max(version) as version from trellis_events where aggregate = ? and aggregate_id = ?'
const READ = `select ${EVENT_COLUMNS} from trellis_events where aggregate = ? and aggregate_id = ? and version > ? order by version limit ?`
/** Events read at once: bounds memory and the time that a read holds the event loop. */
const PAGE = 500

/** Version of an aggregate; 0 when there is none. */
export async function versionOf(sql: Sql, family: EventFamily, id: string): Promise<number> {
  const row = await sql.get<{ version: number | null }>(VERSION, family.name, id)
  return row?.version ?? 0
}

/**
 * Appends events behind version `expected` and gives them as recorded. When another transaction was there first, `aborted` /
 * `VERSION_CONFLICT`: it may be run again.
 */
export async function appendEvents<E extends AnyEvent>(
  tx: Transaction,
  random: Random,
  target: { readonly family: EventFamily<E>; readonly id: string; readonly expected: number; readonly cause: Cause },
  events: readonly E[],
): Promise<RecordedEvent<E>[]> {
  const { family, id, expected, cause } = target
  checkVersion(expected)
  const first = events[0]
  if (first === undefined) return []
  if (expected === 0 && !family.starts.includes(first.type) && Object.hasOwn(family.events, first.type)) {
    throw impossibleFirstEvent(family, id, first.type)
  }
  const recorded: RecordedEvent<E>[] = []
  for (let from = 0; from < events.length; from += CHUNK) {
    const rows: SqlValue[] = []
    const places: SqlValue[] = []
    for (const { type, data } of events.slice(from, from + CHUNK)) {
      const version = expected + recorded.length + 1
      const eventId = random.id()
      const json = encodeData(family, type, data)
      const { correlationId, causationId, actor, traceparent } = cause
      rows.push(family.name, id, version, eventId, type, schemaVersionOf(family, type), tx.now)
      rows.push(correlationId, causationId, actor, traceparent, json)
      places.push(family.name, id, version)
      const metadata = { eventId, aggregate: family.name, aggregateId: id, version, timestamp: tx.now }
      // What is given on is what will be read again: the data after its way through JSON.
      const stored = { type, data: JSON.parse(json) } as E
      recorded.push({ ...stored, ...metadata, correlationId, causationId, actor, traceparent })
    }
    await tx.run(insertEvents(places.length / 3), ...rows).catch(error => {
      throw isFault(error, 'UNIQUE_VIOLATION') ? versionConflict(family, id, expected, undefined) : error
    })
    await tx.run(insertUnordered(places.length / 3), ...places)
  }
  return recorded
}

function insertEvents(count: number): string {
  return `insert into trellis_events (${EVENT_COLUMNS}) values ${Array(count).fill(EVENT_ROW).join(', ')}`
}

function insertUnordered(count: number): string {
  const rows = Array(count).fill('(?, ?, ?)').join(', ')
  return `insert into trellis_events_unordered (aggregate, aggregate_id, version) values ${rows}`
}

/** At most `limit` events (default: all) behind version `after` (default 0), oldest first. A gap among them is `data_loss` / `EVENT_STREAM_BROKEN`. */
export async function readEvents<E extends AnyEvent>(
  sql: Sql,
  family: EventFamily<E>,
  id: string,
  options: { readonly after?: number; readonly limit?: number } = {},
): Promise<RecordedEvent<E>[]> {
  const { after = 0, limit = Number.POSITIVE_INFINITY } = options
  checkVersion(after)
  const events: RecordedEvent<E>[] = []
  while (events.length < limit) {
    const size = Math.min(PAGE, limit - events.length)
    const rows = await sql.all<EventRow>(READ, family.name, id, after + events.length, size)
    for (const row of rows) {
      const version = after + events.length + 1
      if (row.version !== version) throw brokenStream(family, id, version, row.version)
      events.push(decodeEvent(family, row))
    }
    if (rows.length < size) break
  }
  return events
}

/** An event from its row. */
export function decodeEvent<E extends AnyEvent>(family: EventFamily<E>, row: EventRow): RecordedEvent<E> {
  const event = { type: row.type, data: decodeData(family, row.type, row.schema_version, row.data) } as E
  return {
    ...event,
    eventId: row.event_id,
    aggregate: row.aggregate,
    aggregateId: row.aggregate_id,
    version: row.version,
    timestamp: row.recorded_at,
    correlationId: row.correlation_id,
    causationId: row.causation_id,
    actor: row.actor,
    traceparent: row.traceparent ?? undefined,
  }
}

/** Refuses what can't be a version: `invalid_argument` / `ILLEGAL_VERSION`. */
export function checkVersion(version: number): void {
  if (!Number.isSafeInteger(version) || version < 0) throw illegalVersion(version)
}
