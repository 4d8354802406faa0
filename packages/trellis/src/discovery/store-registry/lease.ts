/**
 * Leases as rows. What makes them safe is how they end: nobody looks at a clock and concludes that an instance is dead, but someone writes down
 * that it is, and only after the registry could be written to for long enough that a living instance would have renewed. While writing is impossible (a
 * locked database, a server that is down) no lease ends; after it, the living get time to renew before the first one does.
 */
import type { Sql, Store, Transaction } from '../../store/store.ts'
import type { Instance } from '../discovery.ts'
import { registryMigrations } from './migrations.ts'

/** How long things take, milliseconds. */
export interface LeaseTimes {
  /** Time between two renewals. */
  readonly heartbeatMs: number
  /** Age of the last renewal at which an instance counts as dead. */
  readonly expiryMs: number
}

/** `up`: serves; `left`: went properly; `expired`: did not renew. The last two stay a while, so that every watcher learns of them. */
export type InstanceState = 'up' | 'left' | 'expired'

/** An instance as the registry holds it. */
export interface InstanceEntry {
  readonly instance: Instance
  readonly state: InstanceState
  /** Time of the store; of one that has gone, when it went. */
  readonly renewedAt: number
}

interface Row {
  readonly id: string
  readonly service: string
  readonly host: string
  readonly port: number
  readonly metadata: string
  readonly state: InstanceState
  readonly renewed_at: number
}

/** Longest time that the row of an instance which has gone is kept: longer than an outage of one watcher that is not an outage of all. */
const KEEP_GONE_MS = 10 * 60_000
/** Smallest time between two notes that the registry can be written to, so that many instances do not queue for that one row. */
const NOTE_MS = 200

const CHECK = 'select checked_at, steady_since from trellis_registry where id = 1'
const NOTE = 'update trellis_registry set checked_at = ?, steady_since = ? where id = 1'
const RENEW = `update trellis_instances set renewed_at = ?, state = 'up' where id = ?`
const EXPIRE = `update trellis_instances set state = 'expired', renewed_at = ? where state = 'up' and renewed_at <= ?`
const EXPIRE_ALL = `update trellis_instances set state = 'expired', renewed_at = ? where state = 'up'`
const SET_BACK = 'update trellis_instances set renewed_at = ? where renewed_at > ?'
const FORGET = `delete from trellis_instances where state <> 'up' and renewed_at <= ?`
const LIST = 'select id, service, host, port, metadata, state, renewed_at from trellis_instances order by service, id'
const COLUMNS = ['id', 'service', 'host', 'port', 'metadata', 'state', 'renewed_at']

/** Since when the registry can be written to without a pause, and when that was last seen. Times of the store. */
export interface Steadiness {
  readonly checkedAt: number
  readonly steadySince: number
}

/** Reads the registry's steadiness. */
export async function steadiness(sql: Sql): Promise<Steadiness> {
  const row = await sql.get<{ checked_at: number; steady_since: number }>(CHECK)
  return { checkedAt: row?.checked_at ?? 0, steadySince: row?.steady_since ?? 0 }
}

/** Whether a living instance would have renewed since the registry became writable: one heartbeat and half of another for a slow one. */
export function isSteady({ steadySince }: Steadiness, now: number, times: LeaseTimes): boolean {
  return now - steadySince >= 1.5 * times.heartbeatMs
}

/** Renews the given instances, making what is missing, notes that the registry can be written to, and ends leases when that is safe. */
export async function beat(tx: Transaction, instances: readonly Instance[], times: LeaseTimes): Promise<void> {
  const { now } = tx
  const before = await steadiness(tx)
  // A clock that was set back would make the dead look renewed for as long as it was set back.
  const setBack = before.checkedAt - now > times.heartbeatMs
  if (setBack) await tx.run(SET_BACK, now, now)
  const paused = setBack || now - before.checkedAt > 2 * times.heartbeatMs
  const after = { checkedAt: now, steadySince: paused ? now : before.steadySince }
  if (paused || now - before.checkedAt >= NOTE_MS) await tx.run(NOTE, after.checkedAt, after.steadySince)
  for (const instance of instances) if ((await tx.run(RENEW, now, instance.id)) === 0) await enter(tx, instance, 'up')
  if (isSteady(after, now, times)) await tx.run(EXPIRE, now, now - times.expiryMs)
  await tx.run(FORGET, now - KEEP_GONE_MS)
}

/** Ends every lease: at the start of a whole system none of its instances can be alive. One that is after all is back with its next heartbeat. */
export async function expireAll(store: Store): Promise<void> {
  await store.migrate('registry', registryMigrations)
  await store.transaction(tx => tx.run(EXPIRE_ALL, tx.now))
}

/** Enters an instance in a state, whether or not it has a row. */
export async function enter(tx: Transaction, instance: Instance, state: InstanceState): Promise<void> {
  const { id, service, address, metadata } = instance
  const { host, port } = address
  const text = tx.dialect.upsert('trellis_instances', ['id'], COLUMNS)
  await tx.run(text, id, service, host, port, JSON.stringify(metadata), state, tx.now)
}

/** All instances that the registry knows, those that have gone lately included, by service and id. */
export async function listEntries(sql: Sql): Promise<InstanceEntry[]> {
  const rows = await sql.all<Row>(LIST)
  return rows.map(({ id, service, host, port, metadata, state, renewed_at }) => ({
    instance: { id, service, address: { host, port }, metadata: JSON.parse(metadata) },
    state,
    renewedAt: renewed_at,
  }))
}
