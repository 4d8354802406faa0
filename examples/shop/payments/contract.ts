import { contract, event, fault, own, unary } from 'trellis/contract'
import { z } from 'zod'
import { PaymentMethod } from '../orders/contract.ts'
import { Id, Money, Time } from '../shapes.ts'

export const Refund = z.object({ id: Id, amount: Money, at: Time }).meta({ id: 'Refund' })
export const Payment = z
  .object({
    id: Id,
    orderId: Id,
    status: z.enum(['captured', 'declined', 'refunded']),
    amount: Money,
    refunds: z.array(Refund),
    at: Time,
  })
  .meta({ id: 'Payment' })
export type Payment = z.infer<typeof Payment>

export const OrderId = z.object({ orderId: Id })
export const Capture = z.object({ orderId: Id, userId: Id, amount: Money, paymentMethod: PaymentMethod })
export const RefundRequest = z.object({ orderId: Id })

export const PaymentNotFound = fault({
  code: 'not_found',
  reason: 'PAYMENT_NOT_FOUND',
  message: 'There is no payment for this order among yours.',
  details: OrderId,
})
export const PaymentDeclinedFault = fault({
  code: 'failed_precondition',
  reason: 'PAYMENT_DECLINED',
  message: 'The payment was declined; check the order out again with another payment method.',
  details: OrderId,
})
export const NothingToRefund = fault({
  code: 'failed_precondition',
  reason: 'NOTHING_TO_REFUND',
  message: 'Nothing was captured for this order.',
  details: OrderId,
})

export const Payments = contract('shop.payments.v1.Payments', {
  get: unary({
    summary: 'The payment of an order',
    description: 'There is one as soon as the payment provider has answered; before that it is 404.',
    input: OrderId,
    output: Payment,
    faults: { PaymentNotFound },
    http: 'GET /payments/{orderId}',
    allow: own('payments:read'),
  }),
  capture: unary({
    summary: 'Charge an order, once',
    input: Capture,
    output: Payment,
    faults: { PaymentDeclined: PaymentDeclinedFault },
    idempotent: 'key',
    allow: 'internal',
  }),
  refund: unary({
    summary: 'Give back what was charged for an order, once',
    input: RefundRequest,
    output: Payment,
    faults: { NothingToRefund },
    idempotent: 'key',
    allow: 'internal',
  }),
  outcome: unary({
    summary: 'How the capture of an order ended, asked of the provider when it is not known here',
    input: Capture,
    output: Payment,
    faults: { PaymentNotFound },
    idempotent: 'natural',
    allow: 'internal',
  }),
})

const settled = z.object({ orderId: Id, userId: Id, paymentId: Id, amount: Money })
export const PaymentCaptured = event('shop.payments.payment-captured.v1', settled)
export const PaymentDeclined = event('shop.payments.payment-declined.v1', settled, { external: true })
export const PaymentRefunded = event('shop.payments.payment-refunded.v1', settled)
