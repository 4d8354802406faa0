/**
 * Stock levels and reservations. `reserved` of a product is always the sum of its open reservations, and available = on hand - reserved is
 * never below 0: every change of one is in one transaction with the other.
 */
import { raise } from 'trellis/contract'
import type { ServiceTransaction } from 'trellis/service'
import type { Migration, Sql } from 'trellis/store'
import type { Stock } from './contract.ts'
import { ReservationEnded, StockBelowReserved, StockLow } from './contract.ts'

export const stockMigrations: readonly Migration[] = [
  {
    name: '001-stock',
    statements: ({ types }) => [
      `create table stock (product_id ${types.key} primary key, on_hand ${types.integer} not null, reserved ${types.integer} not null)`,
      `create table adjustment (id ${types.key} primary key, product_id ${types.key} not null, delta ${types.integer} not null,
        reason ${types.text} not null, actor ${types.key} not null, at ${types.integer} not null)`,
      `create table reservation (id ${types.key} primary key, state ${types.key} not null, at ${types.integer} not null)`,
      `create table reservation_line (reservation_id ${types.key} not null, product_id ${types.key} not null,
        quantity ${types.integer} not null, primary key (reservation_id, product_id))`,
    ],
  },
]

/** `expired` is a release by time; stock may be set aside again under the same id. */
export type ReservationStatus = 'reserved' | 'released' | 'expired' | 'committed'

export interface Line {
  readonly productId: string
  readonly quantity: number
}

/** A product with less than this available is low. */
const LOW = 10

interface StockRow {
  readonly product_id: string
  readonly on_hand: number
  readonly reserved: number
}

/** The stock of a product, or undefined where none is kept. */
export async function stockOf(sql: Sql, productId: string): Promise<Stock | undefined> {
  const row = await sql.get<StockRow>('select product_id, on_hand, reserved from stock where product_id = ?', productId)
  if (row === undefined) return undefined
  return {
    productId: row.product_id,
    onHand: row.on_hand,
    reserved: row.reserved,
    available: row.on_hand - row.reserved,
  }
}

/** Adds `delta` to what is on hand and keeps the record of it. */
export async function adjust(
  tx: ServiceTransaction,
  change: {
    readonly id: string
    readonly productId: string
    readonly delta: number
    readonly reason: string
    readonly actor: string
  },
): Promise<Stock> {
  const { productId, delta } = change
  const before = (await stockOf(tx, productId)) ?? { productId, onHand: 0, reserved: 0, available: 0 }
  if (before.available + delta < 0) throw raise(StockBelowReserved, { details: before })
  await tx.run(
    tx.dialect.upsert('stock', ['product_id'], ['product_id', 'on_hand', 'reserved']),
    productId,
    before.onHand + delta,
    before.reserved,
  )
  await tx.run(
    'insert into adjustment (id, product_id, delta, reason, actor, at) values (?, ?, ?, ?, ?, ?)',
    change.id,
    productId,
    delta,
    change.reason,
    change.actor,
    tx.now,
  )
  const after = { ...before, onHand: before.onHand + delta, available: before.available + delta }
  await announceLow(tx, before, after)
  return after
}

/** The state of a reservation, or undefined. */
export async function reservationState(sql: Sql, reservationId: string): Promise<ReservationStatus | undefined> {
  const row = await sql.get<{ state: ReservationStatus }>('select state from reservation where id = ?', reservationId)
  return row?.state
}

/** The lines of a reservation. */
export async function reservationLines(sql: Sql, reservationId: string): Promise<Line[]> {
  const rows = await sql.all<{ product_id: string; quantity: number }>(
    'select product_id, quantity from reservation_line where reservation_id = ? order by product_id',
    reservationId,
  )
  return rows.map(row => ({ productId: row.product_id, quantity: row.quantity }))
}

/** What of the lines can not be had now. */
export async function shortOf(
  sql: Sql,
  lines: readonly Line[],
): Promise<{ productId: string; requested: number; available: number }[]> {
  const short = []
  for (const line of lines) {
    const available = (await stockOf(sql, line.productId))?.available ?? 0
    if (available < line.quantity) short.push({ productId: line.productId, requested: line.quantity, available })
  }
  return short
}

/** Sets the lines aside; the caller has seen that `shortOf` them is nothing. */
export async function setAside(tx: ServiceTransaction, reservationId: string, lines: readonly Line[]): Promise<void> {
  await tx.run(tx.dialect.upsert('reservation', ['id'], ['id', 'state', 'at']), reservationId, 'reserved', tx.now)
  await tx.run('delete from reservation_line where reservation_id = ?', reservationId)
  for (const line of lines) {
    await tx.run(
      'insert into reservation_line (reservation_id, product_id, quantity) values (?, ?, ?)',
      reservationId,
      line.productId,
      line.quantity,
    )
    await move(tx, line.productId, { onHand: 0, reserved: line.quantity })
  }
}

/** Gives a reservation's stock back: what was set aside becomes free, what had left the house comes back into it. */
export async function giveBack(
  tx: ServiceTransaction,
  reservationId: string,
  from: 'reserved' | 'committed',
  to: 'released' | 'expired',
): Promise<Line[]> {
  const lines = await reservationLines(tx, reservationId)
  for (const line of lines) {
    const by = from === 'reserved' ? { onHand: 0, reserved: -line.quantity } : { onHand: line.quantity, reserved: 0 }
    await move(tx, line.productId, by)
  }
  await tx.run('update reservation set state = ?, at = ? where id = ?', to, tx.now, reservationId)
  return lines
}

/** Takes an open reservation's stock out of the house. */
export async function takeOut(tx: ServiceTransaction, reservationId: string): Promise<void> {
  for (const line of await reservationLines(tx, reservationId)) {
    await move(tx, line.productId, { onHand: -line.quantity, reserved: -line.quantity })
  }
  await tx.run('update reservation set state = ?, at = ? where id = ?', 'committed', tx.now, reservationId)
}

/** The fault of a reservation that can not go on. */
export function ended(reservationId: string, state: 'released' | 'committed'): Error {
  return raise(ReservationEnded, { details: { reservationId, state } })
}

async function move(
  tx: ServiceTransaction,
  productId: string,
  by: { onHand: number; reserved: number },
): Promise<void> {
  const before = await stockOf(tx, productId)
  if (before === undefined) throw new Error(`Stock of ${productId} is reserved but not kept.`)
  await tx.run(
    'update stock set on_hand = on_hand + ?, reserved = reserved + ? where product_id = ?',
    by.onHand,
    by.reserved,
    productId,
  )
  await announceLow(tx, before, { ...before, available: before.available + by.onHand - by.reserved })
}

async function announceLow(tx: ServiceTransaction, before: Stock, after: Stock): Promise<void> {
  if (before.available >= LOW && after.available < LOW) {
    await tx.publish(StockLow, { productId: after.productId, available: after.available }, { key: after.productId })
  }
}
