/** The orders as lists and single reads show them: derived from the events, in the transaction that appends them. */
import type { RecordedEvent } from 'trellis/events'
import { projection } from 'trellis/events'
import type { Sql } from 'trellis/store'
import type { Order } from './contract.ts'
import type { OrderEvent, OrderState } from './order.ts'
import { evolve, initialState, OrderAggregate, toOrder } from './order.ts'

interface ListRow {
  readonly id: string
  readonly user_id: string
  readonly state: string
  readonly created_at: number
  readonly updated_at: number
  readonly version: number
}

/** One order of the list, with its version. */
export interface ListedOrder {
  readonly order: Order
  readonly version: number
}

/** Keeps each order's state, so that a read costs one row and not a replay. */
export const orderList = projection('order-list', {
  from: [OrderAggregate],
  tables: {
    order_list: (table, { types }) => [
      `create table ${table} (id ${types.key} primary key, user_id ${types.key} not null, state ${types.text} not null,
        created_at ${types.integer} not null, updated_at ${types.integer} not null, version ${types.integer} not null)`,
      `create index ${table}_by_user on ${table} (user_id, id)`,
    ],
  },
  async apply(event: RecordedEvent<OrderEvent>, tx, { order_list }) {
    const id = event.aggregateId
    const row = await tx.get<ListRow>(`select * from ${order_list} where id = ?`, id)
    const before = row === undefined ? initialState(id) : (JSON.parse(row.state) as OrderState)
    const state = evolve(before, event)
    const createdAt = row?.created_at ?? event.timestamp
    await tx.run(
      tx.dialect.upsert(order_list, ['id'], ['id', 'user_id', 'state', 'created_at', 'updated_at', 'version']),
      id,
      state.userId,
      JSON.stringify(state),
      createdAt,
      event.timestamp,
      event.version,
    )
  },
})

function toListed(row: ListRow): ListedOrder {
  const order = toOrder(JSON.parse(row.state) as OrderState, { createdAt: row.created_at, updatedAt: row.updated_at })
  return { order, version: row.version }
}

/** An order as it is now, or undefined. */
export async function findOrder(sql: Sql, orderId: string): Promise<ListedOrder | undefined> {
  const row = await sql.get<ListRow>('select * from order_list where id = ?', orderId)
  return row === undefined ? undefined : toListed(row)
}

/** The state of an order, or undefined. */
export async function findState(sql: Sql, orderId: string): Promise<OrderState | undefined> {
  const row = await sql.get<{ state: string }>('select state from order_list where id = ?', orderId)
  return row === undefined ? undefined : (JSON.parse(row.state) as OrderState)
}

/** Orders before an id, newest first (ids sort by time of making); of one user, or of all. */
export async function listOrders(
  sql: Sql,
  query: { readonly userId: string | undefined; readonly before: string | undefined; readonly limit: number },
): Promise<Order[]> {
  const conditions: string[] = []
  const values: (string | number)[] = []
  if (query.userId !== undefined) {
    conditions.push('user_id = ?')
    values.push(query.userId)
  }
  if (query.before !== undefined) {
    conditions.push('id < ?')
    values.push(query.before)
  }
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
  const rows = await sql.all<ListRow>(
    `select * from order_list ${where} order by id desc limit ?`,
    ...values,
    query.limit,
  )
  return rows.map(row => toListed(row).order)
}
