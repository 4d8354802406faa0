import { contract, event, fault, own, serverStream, unary } from 'trellis/contract'
import { z } from 'zod'
import { Id, InvalidCursor, line, Money, Page, pageOf, Quantity, Time } from '../shapes.ts'

export const OrderStatus = z.enum(['created', 'pending', 'confirmed', 'cancelled']).meta({ id: 'OrderStatus' })
export type OrderStatus = z.infer<typeof OrderStatus>

export const OrderItem = z
  .object({
    productId: Id,
    name: z.string(),
    quantity: Quantity,
    unitPrice: Money,
    lineTotal: Money,
  })
  .meta({ id: 'OrderItem' })
export const Cancellation = z
  .object({
    code: z.string().describe('Why, in one stable word such as `PAYMENT_DECLINED`.'),
    message: z.string().describe('Why, for people.'),
  })
  .meta({ id: 'Cancellation' })
export const Order = z
  .object({
    id: Id,
    userId: Id,
    status: OrderStatus,
    items: z.array(OrderItem),
    total: Money,
    createdAt: Time,
    updatedAt: Time,
    waitingFor: z.enum(['stock', 'payment']).optional().describe('What a pending order waits for.'),
    cancellation: Cancellation.optional().describe('Why a cancelled order is.'),
  })
  .meta({ id: 'Order' })
export type Order = z.infer<typeof Order>

export const NewItem = z.object({ productId: Id, quantity: Quantity }).meta({ id: 'NewItem' })
export const NewOrder = z
  .object({ items: z.array(NewItem).max(100).optional() })
  .meta({ id: 'NewOrder', examples: [{ items: [{ productId: 'p-001', quantity: 1 }] }] })
export const OrderId = z.object({ orderId: Id })
export const OrderPage = pageOf('OrderPage', Order)
export const AddItem = z.object({ orderId: Id, productId: Id, quantity: Quantity })
export const RemoveItem = z.object({ orderId: Id, productId: Id })
export const PaymentMethod = z.enum(['pm_ok', 'pm_declined', 'pm_slow', 'pm_flaky', 'pm_lost'])
export const Checkout = z.object({ orderId: Id, paymentMethod: PaymentMethod })
export const Cancel = z.object({ orderId: Id, reason: line({ min: 1, max: 500 }).optional() })
export const OrderPosition = z.object({ orderId: Id, lastEventId: z.string().max(20).optional() })

/** One change of an order as its watchers see it; the first one is the snapshot. */
export const OrderChange = z
  .object({
    type: z.string().describe('`snapshot`, or the type of the event.'),
    version: z.int().describe('Version of the order after the change.'),
    status: OrderStatus,
    event: z.record(z.string(), z.unknown()).describe('The data of the event; for a snapshot, the order.'),
  })
  .meta({ id: 'OrderChange' })
export const RecordedEvent = z
  .object({
    eventId: z.string(),
    type: z.string(),
    aggregateId: Id.describe('The order.'),
    version: z.int().describe('1, 2, 3 … without a gap.'),
    timestamp: Time,
    correlationId: z.string().describe('The same for all that one request led to.'),
    causationId: z.string().describe('What led to it.'),
    actor: z.string().describe('Who did it: a user, or a service.'),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'RecordedEvent' })
export const HistoryQuery = z.object({ orderId: Id, ...Page })
export const History = pageOf('History', RecordedEvent)

const order = z.object({ orderId: Id })

export const OrderNotFound = fault({
  code: 'not_found',
  reason: 'ORDER_NOT_FOUND',
  message: 'There is no such order among yours; list them at GET /orders.',
  details: order,
})
export const UnknownProduct = fault({
  code: 'failed_precondition',
  reason: 'UNKNOWN_PRODUCT',
  message: 'These products are not for sale; leave them out.',
  details: z.object({ productIds: z.array(Id) }),
})
export const OrderNotOpen = fault({
  code: 'failed_precondition',
  reason: 'ORDER_NOT_OPEN',
  message: 'The order has been checked out or cancelled and can not be changed any more.',
  details: z.object({ orderId: Id, status: OrderStatus }),
})
export const OrderEmpty = fault({
  code: 'failed_precondition',
  reason: 'ORDER_EMPTY',
  message: 'The order has no items; add one before checkout.',
  details: order,
})
export const ItemNotInOrder = fault({
  code: 'not_found',
  reason: 'ITEM_NOT_IN_ORDER',
  message: 'The order has no such item.',
  details: z.object({ orderId: Id, productId: Id }),
})
export const TooManyItems = fault({
  code: 'failed_precondition',
  reason: 'TOO_MANY_ITEMS',
  message: 'An order holds at most 100 products and 999 of each; split it.',
  details: order,
})
export const MixedCurrencies = fault({
  code: 'failed_precondition',
  reason: 'MIXED_CURRENCIES',
  message: 'An order has one currency; make a second order for products in another.',
  details: z.object({ orderId: Id, currencies: z.array(z.string()) }),
})
export const PriceChanged = fault({
  code: 'failed_precondition',
  reason: 'PRICE_CHANGED',
  message: 'Prices have changed since the items were added; look at the new ones, then remove and add the items again.',
  details: z.object({ prices: z.array(z.object({ productId: Id, was: Money, now: Money })) }),
})
export const PaymentInProgress = fault({
  code: 'failed_precondition',
  reason: 'PAYMENT_IN_PROGRESS',
  message: 'Payment has been asked for; wait for its outcome.',
  details: order,
})
export const AlreadyCancelled = fault({
  code: 'failed_precondition',
  reason: 'ALREADY_CANCELLED',
  message: 'The order has been cancelled already.',
  details: order,
})
export const RefundNotAllowed = fault({
  code: 'permission_denied',
  reason: 'REFUND_NOT_ALLOWED',
  message: 'A confirmed order is cancelled only by someone with orders:refund; ask the shop.',
  details: order,
})

export const Orders = contract('shop.orders.v1.Orders', {
  create: unary({
    summary: 'Open an order, empty or with items',
    description: 'Names and prices are those of this moment; nothing is reserved or charged before checkout.',
    input: NewOrder,
    output: Order,
    faults: { UnknownProduct, MixedCurrencies, TooManyItems },
    http: 'POST /orders',
    status: 201,
    idempotent: 'key',
    allow: 'signed-in',
  }),
  get: unary({
    summary: 'One order',
    input: OrderId,
    output: Order,
    faults: { OrderNotFound },
    http: 'GET /orders/{orderId}',
    allow: own('orders:read'),
  }),
  list: unary({
    summary: 'Orders, newest first: one’s own, or all with orders:read',
    input: z.object(Page),
    output: OrderPage,
    faults: { InvalidCursor },
    http: 'GET /orders',
    allow: 'signed-in',
  }),
  addItem: unary({
    summary: 'Add a product to an open order',
    description: 'More of a product that is in the order already adds to its line, which takes the present price.',
    input: AddItem,
    output: Order,
    faults: { OrderNotFound, OrderNotOpen, UnknownProduct, MixedCurrencies, TooManyItems },
    http: 'POST /orders/{orderId}/items',
    idempotent: 'key',
    allow: own('orders:write'),
  }),
  removeItem: unary({
    summary: 'Remove a product from an open order',
    input: RemoveItem,
    output: Order,
    faults: { OrderNotFound, OrderNotOpen, ItemNotInOrder },
    http: 'DELETE /orders/{orderId}/items/{productId}',
    allow: own('orders:write'),
  }),
  checkout: unary({
    summary: 'Check an order out',
    description: 'Accepts the order; stock and payment follow. Watch it at GET /orders/{orderId}/changes.',
    input: Checkout,
    output: Order,
    faults: { OrderNotFound, OrderNotOpen, OrderEmpty, PriceChanged, UnknownProduct },
    http: 'POST /orders/{orderId}/checkout',
    status: 202,
    idempotent: 'key',
    allow: own('orders:write'),
  }),
  cancel: unary({
    summary: 'Cancel an order',
    description:
      'Until payment is asked for, the customer may. A confirmed order is cancelled by someone with `orders:refund` alone, and refunded.',
    input: Cancel,
    output: Order,
    faults: { OrderNotFound, PaymentInProgress, AlreadyCancelled, RefundNotAllowed },
    http: 'POST /orders/{orderId}/cancel',
    idempotent: 'key',
    allow: own('orders:write'),
  }),
  changes: serverStream({
    summary: 'An order’s changes as they happen; the current state first',
    description: 'Ends after a final state, confirmed or cancelled.',
    input: OrderPosition,
    output: OrderChange,
    faults: { OrderNotFound },
    http: 'GET /orders/{orderId}/changes',
    allow: own('orders:read'),
    sse: { event: 'type', id: 'version', resume: 'lastEventId', data: ['status', 'event'] },
  }),
  history: unary({
    summary: 'The events of an order, oldest first',
    description: 'Everything that ever happened to it, with when, who, and what led to it.',
    input: HistoryQuery,
    output: History,
    faults: { OrderNotFound, InvalidCursor },
    http: 'GET /orders/{orderId}/history',
    allow: own('orders:read'),
  }),
})

export const OrderCreated = event('shop.orders.order-created.v1', z.object({ orderId: Id, userId: Id, total: Money }))
export const ItemAdded = event(
  'shop.orders.item-added.v1',
  z.object({ orderId: Id, userId: Id, productId: Id, quantity: Quantity }),
  { external: true },
)
export const ItemRemoved = event('shop.orders.item-removed.v1', z.object({ orderId: Id, userId: Id, productId: Id }), {
  external: true,
})
export const CheckoutStarted = event(
  'shop.orders.checkout-started.v1',
  z.object({ orderId: Id, userId: Id, total: Money }),
  {
    external: true,
  },
)
export const OrderConfirmed = event(
  'shop.orders.order-confirmed.v1',
  z.object({ orderId: Id, userId: Id, total: Money }),
)
export const OrderCancelled = event(
  'shop.orders.order-cancelled.v1',
  z.object({ orderId: Id, userId: Id, total: Money, code: z.string(), refunded: z.boolean() }),
)
