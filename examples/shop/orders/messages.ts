import { message } from 'trellis/contract'
import { z } from 'zod'
import { Id } from '../shapes.ts'

/**
 * To itself: the next step of an order that is on its way. One message a step, keyed by the order, so that the steps of one order are taken one after
 * the other, each until it is done.
 */
export const OrderStep = message(
  'shop.orders.order-step.v1',
  z.object({ orderId: Id, step: z.enum(['reserve', 'capture', 'commit', 'release', 'refund']) }),
)
