import { raise } from 'trellis/contract'
import type { ServiceContext, ServiceTransaction } from 'trellis/service'
import { implement, service } from 'trellis/service'
import type { Payment } from './contract.ts'
import {
  NothingToRefund,
  PaymentCaptured,
  PaymentDeclined,
  PaymentDeclinedFault,
  PaymentNotFound,
  PaymentRefunded,
  Payments,
} from './contract.ts'
import { findPayment, paymentMigrations, recordPayment, recordRefund, toPayment } from './payment.ts'
import { provider } from './provider.ts'

/** One order is charged once: its key at the provider is made of its id. */
const chargeKey = (orderId: string): string => `charge-${orderId}`

interface Request {
  readonly orderId: string
  readonly userId: string
  readonly amount: { readonly amount: number; readonly currency: string }
  readonly paymentMethod: string
}

/** Writes the provider's word down, and tells the others. */
async function settle(
  tx: ServiceTransaction,
  id: string,
  request: Request,
  status: 'captured' | 'declined',
): Promise<Payment> {
  const known = await findPayment(tx, request.orderId)
  if (known !== undefined) return toPayment(tx, known)
  const row = await recordPayment(tx, { id, status, ...request })
  const { orderId, userId, amount } = request
  const type = status === 'captured' ? PaymentCaptured : PaymentDeclined
  await tx.publish(type, { orderId, userId, paymentId: id, amount }, { key: orderId })
  return toPayment(tx, row)
}

async function capture(request: Request, ctx: ServiceContext): Promise<Payment> {
  const { orderId, amount, paymentMethod } = request
  const id = ctx.newId()
  const status = await ctx
    .resource(provider)
    .charge(
      { key: chargeKey(orderId), reference: `${orderId}/${request.userId}`, ...amount, method: paymentMethod },
      ctx,
    )
  return ctx.transaction(tx => settle(tx, id, request, status))
}

export const payments = service('payments', {
  capability: 'payment-processing',
  owns: ['payment', 'refund'],
  publishes: [PaymentCaptured, PaymentDeclined, PaymentRefunded],
  migrations: paymentMigrations,
  resources: [provider],
  provides: [
    implement(Payments, {
      async get({ orderId }, ctx) {
        const row = await findPayment(ctx.read, orderId)
        const missing = () => raise(PaymentNotFound, { details: { orderId } })
        if (row === undefined) throw missing()
        ctx.authorize(row.user_id, missing)
        return toPayment(ctx.read, row)
      },

      async capture(request, ctx) {
        const payment = await capture(request, ctx)
        if (payment.status === 'declined') throw raise(PaymentDeclinedFault, { details: { orderId: request.orderId } })
        return payment
      },

      async refund({ orderId }, ctx) {
        const row = await findPayment(ctx.read, orderId)
        if (row === undefined || row.status === 'declined') throw raise(NothingToRefund, { details: { orderId } })
        const { amount, currency } = row
        await ctx
          .resource(provider)
          .refund({ key: `refund-${orderId}`, charge: chargeKey(orderId), amount, currency }, ctx)
        const id = ctx.newId()
        return ctx.transaction(async tx => {
          const current = await findPayment(tx, orderId)
          if (current === undefined) throw raise(NothingToRefund, { details: { orderId } })
          if (current.status === 'refunded') return toPayment(tx, current)
          const refunded = await recordRefund(tx, id, current)
          const data = { orderId, userId: row.user_id, paymentId: row.id, amount: { amount, currency } }
          await tx.publish(PaymentRefunded, data, { key: orderId })
          return toPayment(tx, refunded)
        })
      },

      async outcome({ orderId, userId, amount, paymentMethod }, ctx) {
        const row = await findPayment(ctx.read, orderId)
        if (row !== undefined) return toPayment(ctx.read, row)
        const status = await ctx.resource(provider).find(chargeKey(orderId), ctx)
        if (status === undefined) throw raise(PaymentNotFound, { details: { orderId } })
        const id = ctx.newId()
        return ctx.transaction(tx => settle(tx, id, { orderId, userId, amount, paymentMethod }, status))
      },
    }),
  ],
})
