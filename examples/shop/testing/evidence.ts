/** What a shop's own books say, read from outside: the services' databases, opened read-only, and the provider's log. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { OrderEvent } from '../orders/order.ts'
import type { Entry } from '../provider/charges.ts'
import { parseLog } from '../provider/charges.ts'

/** One recorded event of an order. */
export type OrderRecord = OrderEvent & {
  readonly aggregateId: string
  readonly version: number
  readonly eventId: string
  readonly recordedAt: number
}

/** The books of all services at one moment. */
export interface Evidence {
  /** Events of each order, oldest first, by order. */
  readonly histories: ReadonlyMap<string, readonly OrderRecord[]>
  readonly stock: readonly { readonly productId: string; readonly onHand: number; readonly reserved: number }[]
  readonly adjustments: readonly { readonly productId: string; readonly delta: number; readonly reason: string }[]
  readonly reservations: ReadonlyMap<string, Reservation>
  readonly payments: readonly { readonly orderId: string; readonly status: string; readonly amount: number }[]
  /** The provider's log. */
  readonly provider: readonly Entry[]
  readonly notifications: readonly {
    readonly id: string
    readonly kind: string
    readonly orderId: string | null
    readonly userId: string
  }[]
  readonly figures: readonly { readonly day: string; readonly name: string; readonly amount: number }[]
  readonly accounts: readonly { readonly id: string; readonly email: string; readonly createdAt: number }[]
  /** What waits to be done, by where it waits. Nothing in a settled shop. */
  readonly waiting: Readonly<Record<string, number>>
  /** Messages that were given up: dead letters and what a relay has set aside, with their causes. */
  readonly givenUp: readonly string[]
}

/** Stock that was set aside. */
export interface Reservation {
  readonly state: string
  readonly lines: readonly { readonly productId: string; readonly quantity: number }[]
}

/** The services that keep a database. */
export const SERVICES = ['users', 'catalog', 'inventory', 'payments', 'orders', 'notifications', 'analytics'] as const

/** Path of a service's database, or of the platform's. */
export function databaseOf(folder: string, name: string): string {
  return name === 'platform' ? join(folder, 'platform.db') : join(folder, name, `${name}.db`)
}

/** Reads the books. They agree with each other only when nothing moves. */
export async function gatherEvidence(folder: string): Promise<Evidence> {
  const rows = <R>(name: string, sql: string): R[] => {
    using database = new DatabaseSync(databaseOf(folder, name), { readOnly: true })
    return database.prepare(sql).all() as R[]
  }
  const histories = new Map<string, OrderRecord[]>()
  for (const { data, ...event } of rows<{ aggregateId: string; data: string }>(
    'orders',
    `select aggregate_id as aggregateId, version, event_id as eventId, recorded_at as recordedAt, type, data
      from trellis_events where aggregate = 'order' order by aggregate_id, version`,
  )) {
    const record = { ...event, data: JSON.parse(data) } as unknown as OrderRecord
    const history = histories.get(event.aggregateId)
    if (history === undefined) histories.set(event.aggregateId, [record])
    else history.push(record)
  }
  const lines = Map.groupBy(
    rows<{ id: string; productId: string; quantity: number }>(
      'inventory',
      'select reservation_id as id, product_id as productId, quantity from reservation_line',
    ),
    line => line.id,
  )
  return {
    histories,
    stock: rows('inventory', 'select product_id as productId, on_hand as onHand, reserved from stock'),
    adjustments: rows('inventory', 'select product_id as productId, delta, reason from adjustment'),
    reservations: new Map(
      rows<{ id: string; state: string }>('inventory', 'select id, state from reservation').map(({ id, state }) => [
        id,
        { state, lines: lines.get(id) ?? [] },
      ]),
    ),
    payments: rows('payments', 'select order_id as orderId, status, amount from payment'),
    provider: parseLog(await readFile(join(folder, 'provider', 'provider.log'), 'utf8')),
    notifications: rows('notifications', 'select id, kind, order_id as orderId, user_id as userId from notification'),
    figures: rows('analytics', 'select day, name, amount from figure'),
    accounts: rows('users', 'select id, email, created_at as createdAt from account'),
    waiting: waitingIn(rows),
    givenUp: givenUpIn(rows),
  }
}

/** What waits now, without reading everything else. */
export function waitingWork(folder: string): Record<string, number> {
  return waitingIn((name, sql) => {
    using database = new DatabaseSync(databaseOf(folder, name), { readOnly: true })
    return database.prepare(sql).all() as never[]
  })
}

type Rows = <R>(name: string, sql: string) => R[]

function waitingIn(rows: Rows): Record<string, number> {
  const count = (name: string, sql: string): number => rows<{ n: number }>(name, sql)[0]?.n ?? 0
  const waiting: Record<string, number> = {}
  for (const service of SERVICES) waiting[`outbox of ${service}`] = count(service, 'select count(*) as n from outbox')
  waiting['delayed at the broker'] = count('platform', 'select count(*) as n from broker_delayed')
  waiting['retries at the broker'] = count('platform', 'select count(*) as n from broker_waiting')
  for (const { name, behind } of rows<{ name: string; behind: number }>(
    'platform',
    `select group_name || ' of ' || t.name as name, sum(p.head - l.settled_to) as behind from broker_lease l
      join broker_partition p on p.slot = l.slot join broker_topic t on t.id = p.topic group by group_name, t.name`,
  ))
    waiting[name] = behind
  waiting['orders under way'] = count(
    'orders',
    `select count(*) as n from order_list where json_extract(state, '$.status') = 'pending'`,
  )
  return Object.fromEntries(Object.entries(waiting).filter(([, n]) => n > 0))
}

function givenUpIn(rows: Rows): string[] {
  const dead = rows<{ group: string; topic: string; cause: string }>(
    'platform',
    'select group_name as "group", topic, cause from broker_dead',
  ).map(({ group, topic, cause }) => `dead letter of ${group} on ${topic}: ${cause}`)
  const aside = SERVICES.flatMap(service =>
    rows<{ reason: string; cause: string }>(service, 'select reason, cause from outbox_set_aside').map(
      ({ reason, cause }) => `set aside by the relay of ${service}: ${reason} ${cause}`,
    ),
  )
  return [...dead, ...aside]
}
