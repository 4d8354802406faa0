/** The data of a shop as its files hold them, read beside it or after it: databases read-only, and the log of the provider. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseLog } from '../provider/charges.ts'

export interface StoredEvent {
  readonly aggregate_id: string
  readonly version: number
  readonly type: string
  readonly correlation_id: string
  readonly recorded_at: number
  readonly data: string
}
export interface StockRow {
  readonly product_id: string
  readonly on_hand: number
  readonly reserved: number
}
export interface AdjustmentRow {
  readonly id: string
  readonly product_id: string
  readonly delta: number
  readonly reason: string
}
export interface ReservationRow {
  readonly id: string
  readonly state: string
}
export interface LineRow {
  readonly reservation_id: string
  readonly product_id: string
  readonly quantity: number
}
export interface PaymentRow {
  readonly order_id: string
  readonly status: string
  readonly amount: number
  readonly currency: string
  readonly at: number
}
export interface NotificationRow {
  readonly id: string
  readonly order_id: string | null
  readonly user_id: string
  readonly kind: string
}
export interface FigureRow {
  readonly day: string
  readonly name: string
  readonly amount: number
}
export interface AccountRow {
  readonly id: string
  readonly email: string
  readonly created_at: number
}

/** Everything that the invariants speak of. */
export interface ShopData {
  readonly events: readonly StoredEvent[]
  readonly stock: readonly StockRow[]
  readonly adjustments: readonly AdjustmentRow[]
  readonly reservations: readonly ReservationRow[]
  readonly lines: readonly LineRow[]
  readonly payments: readonly PaymentRow[]
  readonly refunds: readonly PaymentRow[]
  readonly notifications: readonly NotificationRow[]
  readonly figures: readonly FigureRow[]
  readonly accounts: readonly AccountRow[]
  readonly provider: ReturnType<typeof parseLog>
  /** What is still on its way, by name; nothing when the shop is at rest. */
  readonly underway: Readonly<Record<string, number>>
}

const SERVICES = ['users', 'catalog', 'inventory', 'payments', 'orders', 'notifications', 'analytics'] as const

/** Messages that a group has not settled, those set aside for good apart. */
const LAG = `select coalesce(sum(p.head - l.settled_to + 
  case l.open_offsets when '' then 0 else 1 + length(l.open_offsets) - length(replace(l.open_offsets, ',', '')) end), 0) n
  from broker_lease l join broker_partition p on p.slot = l.slot`

/** Reads the data of a shop. */
export async function readShopData(folder: string): Promise<ShopData> {
  const read = <T>(service: string, query: string): readonly T[] => {
    const file = service === 'platform' ? join(folder, 'platform.db') : join(folder, service, `${service}.db`)
    const database = new DatabaseSync(file, { readOnly: true })
    try {
      return database.prepare(query).all() as unknown as readonly T[]
    } finally {
      database.close()
    }
  }
  const number = (service: string, query: string): number => read<{ n: number }>(service, query)[0]?.n ?? 0
  const underway: Record<string, number> = {}
  for (const service of SERVICES) {
    underway[`outbox of ${service}`] = number(service, 'select count(*) n from outbox')
    underway[`set aside by ${service}`] = number(service, 'select count(*) n from outbox_set_aside')
  }
  underway['lag at the broker'] = number('platform', LAG)
  underway['waiting for a retry'] = number('platform', 'select count(*) n from broker_waiting')
  underway['delayed messages'] = number('platform', 'select count(*) n from broker_delayed')
  underway['dead letters'] = number('platform', 'select count(*) n from broker_dead')
  return {
    events: read(
      'orders',
      "select aggregate_id, version, type, correlation_id, recorded_at, data from trellis_events where aggregate = 'order' order by aggregate_id, version",
    ),
    stock: read('inventory', 'select * from stock'),
    adjustments: read('inventory', 'select id, product_id, delta, reason from adjustment'),
    reservations: read('inventory', 'select id, state from reservation'),
    lines: read('inventory', 'select * from reservation_line'),
    payments: read('payments', 'select order_id, status, amount, currency, at from payment'),
    refunds: read('payments', "select order_id, '' as status, amount, currency, at from refund"),
    notifications: read('notifications', 'select id, order_id, user_id, kind from notification'),
    figures: read('analytics', 'select * from figure'),
    accounts: read('users', 'select id, email, created_at from account'),
    provider: parseLog(await logOf(join(folder, 'provider', 'provider.log'))),
    underway,
  }
}

async function logOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '' // nobody has paid yet
    throw error
  }
}
