/**
 * What follows a checkout, across three services: reserve stock, capture payment, confirm, commit stock, notify; and back again when one refuses. Each step is a durable message to itself, a call that
 * is keyed by the order (so that repeating it acts once), and one transaction that records the outcome together with the next message. A crash anywhere leaves a message that is delivered again.
 * What becomes of a payment whose outcome is unknown is decided here: see `payment` and `askOutcome`.
 */
import { isRaised } from 'trellis/contract'
import { isFault } from 'trellis/kernel'
import type { ConsumerContext, ServiceContext, ServiceTransaction } from 'trellis/service'
import { Inventory, OutOfStock, ReservationEnded } from '../inventory/contract.ts'
import { SendNotification } from '../notifications/contract.ts'
import { NothingToRefund, PaymentDeclinedFault, PaymentNotFound, Payments } from '../payments/contract.ts'
import { OrderCancelled, OrderConfirmed } from './contract.ts'
import { OrderStep } from './messages.ts'
import type { OrderCommand, OrderState } from './order.ts'
import { initialState, OrderAggregate, reservationOf, totalOf } from './order.ts'
import { findState } from './order-list.ts'

/** How long an unanswered payment is asked for again before its outcome is asked for instead. */
const UNKNOWN_AFTER_MS = 2 * 60_000

type Step = 'reserve' | 'capture' | 'commit' | 'release' | 'refund'

/** Sends the next step of an order on its way. */
export function next(tx: ServiceTransaction, orderId: string, step: Step): Promise<void> {
  return tx.publish(OrderStep, { orderId, step }, { key: orderId })
}

/** Gives the order a command inside a transaction, and does what its events ask for: the next steps, the news, the customer's notification. */
export async function advance(tx: ServiceTransaction, orderId: string, command: OrderCommand): Promise<OrderState> {
  const { state, events } = await tx.aggregate(OrderAggregate, orderId).execute(command)
  const { userId } = state
  const total = totalOf(state.items)
  for (const event of events) {
    switch (event.type) {
      case 'CheckoutStarted':
        await next(tx, orderId, 'reserve')
        break
      case 'PaymentRequested':
        await next(tx, orderId, 'capture')
        break
      case 'OrderConfirmed':
        await next(tx, orderId, 'commit')
        await tx.publish(OrderConfirmed, { orderId, userId, total }, { key: orderId })
        await tx.publish(
          SendNotification,
          {
            notificationId: `${orderId}-confirmed`,
            userId,
            kind: 'order-confirmed',
            orderId,
            subject: 'Your order is confirmed',
            text: `Thank you. We have received your payment of ${format(total)} and are packing your order.`,
          },
          { key: userId },
        )
        break
      case 'OrderCancelled': {
        const { code, message, refund } = event.data
        await next(tx, orderId, 'release')
        if (refund) await next(tx, orderId, 'refund')
        await tx.publish(OrderCancelled, { orderId, userId, total, code, refunded: refund }, { key: orderId })
        await tx.publish(
          SendNotification,
          {
            notificationId: `${orderId}-cancelled`,
            userId,
            kind: 'order-cancelled',
            orderId,
            subject: 'Your order was cancelled',
            text: refund ? `${message} We are refunding ${format(total)}.` : `${message} Nothing was charged.`,
          },
          { key: userId },
        )
        break
      }
      default:
        break
    }
  }
  return state
}

function format(total: { readonly amount: number; readonly currency: string }): string {
  return `${(total.amount / 100).toFixed(2)} ${total.currency}`
}

/** Takes one step. A throw leaves it for another try. */
export async function takeStep(
  { orderId, step }: { orderId: string; step: Step },
  ctx: ConsumerContext,
): Promise<void> {
  switch (step) {
    case 'reserve':
      return reserve(orderId, ctx)
    case 'capture':
      return capture(orderId, ctx)
    case 'commit':
      return commit(orderId, ctx)
    case 'release':
      await ctx.client(Inventory).release({ reservationId: reservationOf(orderId) })
      return
    case 'refund':
      return refund(orderId, ctx)
  }
}

async function stateOf(orderId: string, ctx: ConsumerContext): Promise<OrderState> {
  return (await findState(ctx.read, orderId)) ?? initialState(orderId)
}

async function reserve(orderId: string, ctx: ConsumerContext): Promise<void> {
  const { status, items } = await stateOf(orderId, ctx)
  if (status !== 'pending') return // cancelled while it waited
  const lines = items.map(({ productId, quantity }) => ({ productId, quantity }))
  const refusal = await refusalOf(() => ctx.client(Inventory).reserve({ reservationId: reservationOf(orderId), lines }))
  await ctx.transaction(tx => advance(tx, orderId, refusal ?? { kind: 'ask-for-payment' }))
}

/** Runs a call to inventory; its refusal for want of stock as the command that ends the order. */
async function refusalOf(call: () => Promise<unknown>): Promise<OrderCommand | undefined> {
  try {
    await call()
    return undefined
  } catch (error) {
    if (isRaised(error, OutOfStock)) {
      const products = error.details.short.map(line => line.productId).join(', ')
      return { kind: 'fail', code: 'OUT_OF_STOCK', message: `There is not enough stock of ${products}.` }
    }
    if (isRaised(error, ReservationEnded)) {
      return {
        kind: 'fail',
        code: 'RESERVATION_ENDED',
        message: 'The stock that was set aside for the order was given to others.',
      }
    }
    throw error
  }
}

async function capture(orderId: string, ctx: ConsumerContext): Promise<void> {
  const { status, userId, items, paymentMethod } = await stateOf(orderId, ctx)
  if (status !== 'pending' || paymentMethod === undefined) return
  const amount = totalOf(items)
  const request = { orderId, userId, amount, paymentMethod }
  const outcome = await payment(request, ctx)
  await ctx.transaction(tx => advance(tx, orderId, outcome))
}

type PaymentRequest = Parameters<ReturnType<typeof paymentsOf>['capture']>[0]
const paymentsOf = (ctx: ServiceContext) => ctx.client(Payments)

/** Asks for the money; what came of it, as a command. No clear answer is thrown, and the step is taken again with the same key. */
async function payment(request: PaymentRequest, ctx: ConsumerContext): Promise<OrderCommand> {
  const { orderId, amount } = request
  try {
    const asked =
      (await askOutcome(request, ctx)) ??
      (await paymentsOf(ctx).capture(request, { idempotencyKey: `capture-${orderId}` }))
    if (asked.status === 'captured') return { kind: 'confirm', paymentId: asked.id, amount }
  } catch (error) {
    if (!isRaised(error, PaymentDeclinedFault)) throw error
  }
  return { kind: 'fail', code: 'PAYMENT_DECLINED', message: 'The payment was declined.' }
}

/** How the payment ended, once it has been unknown for long; undefined when it is early, or when payment never had it. */
async function askOutcome(request: PaymentRequest, ctx: ConsumerContext) {
  if (ctx.now() - ctx.message.time < UNKNOWN_AFTER_MS) return undefined
  try {
    return await paymentsOf(ctx).outcome(request)
  } catch (error) {
    if (isRaised(error, PaymentNotFound)) return undefined
    throw error
  }
}

async function commit(orderId: string, ctx: ConsumerContext): Promise<void> {
  const refusal = await refusalOf(() => ctx.client(Inventory).commit({ reservationId: reservationOf(orderId) }))
  // Refused after a cancellation that came between is as it should be; refused otherwise ends the order, with a refund.
  if (refusal !== undefined) await ctx.transaction(tx => advance(tx, orderId, refusal))
}

async function refund(orderId: string, ctx: ConsumerContext): Promise<void> {
  try {
    await paymentsOf(ctx).refund({ orderId }, { idempotencyKey: `refund-${orderId}` })
  } catch (error) {
    if (!isFault(error, NothingToRefund.reason)) throw error
  }
}
