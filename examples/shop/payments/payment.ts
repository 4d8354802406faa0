/** Payments and refunds, as rows. One payment an order. */
import type { Migration, Sql } from 'trellis/store'
import type { Payment } from './contract.ts'

export const paymentMigrations: readonly Migration[] = [
  {
    name: '001-payments',
    statements: ({ types }) => [
      `create table payment (order_id ${types.key} primary key, id ${types.key} not null, user_id ${types.key} not null,
        status ${types.key} not null, amount ${types.integer} not null, currency ${types.key} not null,
        method ${types.key} not null, at ${types.integer} not null)`,
      `create table refund (id ${types.key} primary key, order_id ${types.key} not null, amount ${types.integer} not null,
        currency ${types.key} not null, at ${types.integer} not null)`,
    ],
  },
]

export interface PaymentRow {
  readonly order_id: string
  readonly id: string
  readonly user_id: string
  readonly status: 'captured' | 'declined' | 'refunded'
  readonly amount: number
  readonly currency: string
  readonly method: string
  readonly at: number
}

interface RefundRow {
  readonly id: string
  readonly amount: number
  readonly currency: string
  readonly at: number
}

/** A transaction's part that these need. */
interface Writer extends Sql {
  readonly now: number
}

export function findPayment(sql: Sql, orderId: string): Promise<PaymentRow | undefined> {
  return sql.get<PaymentRow>('select * from payment where order_id = ?', orderId)
}

export async function recordPayment(
  tx: Writer,
  payment: {
    readonly id: string
    readonly orderId: string
    readonly userId: string
    readonly status: 'captured' | 'declined'
    readonly amount: { readonly amount: number; readonly currency: string }
    readonly paymentMethod: string
  },
): Promise<PaymentRow> {
  const row: PaymentRow = {
    order_id: payment.orderId,
    id: payment.id,
    user_id: payment.userId,
    status: payment.status,
    amount: payment.amount.amount,
    currency: payment.amount.currency,
    method: payment.paymentMethod,
    at: tx.now,
  }
  await tx.run(
    'insert into payment (order_id, id, user_id, status, amount, currency, method, at) values (?, ?, ?, ?, ?, ?, ?, ?)',
    row.order_id,
    row.id,
    row.user_id,
    row.status,
    row.amount,
    row.currency,
    row.method,
    row.at,
  )
  return row
}

/** Marks a captured payment as given back, whole. */
export async function recordRefund(tx: Writer, id: string, payment: PaymentRow): Promise<PaymentRow> {
  await tx.run(
    'insert into refund (id, order_id, amount, currency, at) values (?, ?, ?, ?, ?)',
    id,
    payment.order_id,
    payment.amount,
    payment.currency,
    tx.now,
  )
  await tx.run('update payment set status = ? where order_id = ?', 'refunded', payment.order_id)
  return { ...payment, status: 'refunded' }
}

export async function toPayment(sql: Sql, row: PaymentRow): Promise<Payment> {
  const refunds = await sql.all<RefundRow>(
    'select id, amount, currency, at from refund where order_id = ? order by at',
    row.order_id,
  )
  return {
    id: row.id,
    orderId: row.order_id,
    status: row.status,
    amount: { amount: row.amount, currency: row.currency },
    refunds: refunds.map(refund => ({
      id: refund.id,
      amount: { amount: refund.amount, currency: refund.currency },
      at: new Date(refund.at).toISOString(),
    })),
    at: new Date(row.at).toISOString(),
  }
}
