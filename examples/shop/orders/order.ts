/**
 * The order as a decider: `decide` turns a command into events or refuses it, `evolve` folds events into the state. Both are pure; time, ids and other services
 * are the business of whoever calls them.
 */
import { raise } from 'trellis/contract'
import type { EventOf } from 'trellis/events'
import { aggregate } from 'trellis/events'
import { z } from 'zod'
import { Id, Money, Quantity } from '../shapes.ts'
import type { Order, OrderStatus } from './contract.ts'
import {
  AlreadyCancelled,
  ItemNotInOrder,
  MixedCurrencies,
  OrderEmpty,
  OrderNotFound,
  OrderNotOpen,
  PaymentInProgress,
  PaymentMethod,
  PriceChanged,
  RefundNotAllowed,
  TooManyItems,
} from './contract.ts'

/** Most products of an order. */
export const MAX_LINES = 100
/** Most pieces of one product. */
export const MAX_QUANTITY = 999
/** The currency of an order that has no items yet. */
const DEFAULT_CURRENCY = 'EUR'

const Line = z.object({ productId: Id, name: z.string(), quantity: Quantity, unitPrice: Money })
type Line = z.infer<typeof Line>

/** What is written down, for good. */
export const orderEvents = {
  OrderCreated: z.object({ userId: Id, items: z.array(Line) }),
  ItemAdded: Line,
  ItemRemoved: z.object({ productId: Id }),
  CheckoutStarted: z.object({ paymentMethod: PaymentMethod, total: Money }),
  StockReserved: z.object({ reservationId: Id }),
  PaymentRequested: z.object({ amount: Money, paymentMethod: PaymentMethod }),
  PaymentCaptured: z.object({ paymentId: Id, amount: Money }),
  OrderConfirmed: z.object({ total: Money }),
  OrderCancelled: z.object({ code: z.string(), message: z.string(), refund: z.boolean() }),
}

export type OrderEvent = EventOf<typeof orderEvents>

type Method = z.infer<typeof PaymentMethod>

/** What can be asked of an order. */
export type OrderCommand =
  | { readonly kind: 'create'; readonly userId: string; readonly items: readonly Line[] }
  | { readonly kind: 'add-item'; readonly item: Line }
  | { readonly kind: 'remove-item'; readonly productId: string }
  | { readonly kind: 'check-out'; readonly paymentMethod: Method; readonly prices: ReadonlyMap<string, Money> }
  | { readonly kind: 'ask-for-payment' }
  | { readonly kind: 'confirm'; readonly paymentId: string; readonly amount: Money }
  | { readonly kind: 'cancel'; readonly code: string; readonly message: string; readonly by: 'customer' | 'refunder' }
  | { readonly kind: 'fail'; readonly code: string; readonly message: string }

/** An order as its events have made it. */
export interface OrderState {
  readonly id: string
  readonly status: 'none' | 'created' | 'pending' | 'confirmed' | 'cancelled'
  readonly userId: string
  readonly items: readonly Line[]
  readonly paymentMethod: Method | undefined
  readonly paymentRequested: boolean
  readonly cancellation: { readonly code: string; readonly message: string } | undefined
}

/** The id under which inventory sets the stock of an order aside. */
export const reservationOf = (orderId: string): string => `order-${orderId}`

/** What the items cost together. */
export function totalOf(items: readonly Line[]): Money {
  const currency = items[0]?.unitPrice.currency ?? DEFAULT_CURRENCY
  return { amount: items.reduce((sum, item) => sum + item.unitPrice.amount * item.quantity, 0), currency }
}

export function decide(command: OrderCommand, state: OrderState): readonly OrderEvent[] {
  const orderId = state.id
  if (command.kind === 'create') {
    if (state.status !== 'none') throw raise(OrderNotOpen, { details: { orderId, status: state.status } })
    const items = command.items.reduce<readonly Line[]>((lines, item) => withItem(orderId, lines, item), [])
    return [{ type: 'OrderCreated', data: { userId: command.userId, items: [...items] } }]
  }
  if (state.status === 'none') throw raise(OrderNotFound, { details: { orderId } })
  switch (command.kind) {
    case 'add-item':
      open(state)
      withItem(orderId, state.items, command.item)
      return [{ type: 'ItemAdded', data: command.item }]
    case 'remove-item':
      open(state)
      if (!state.items.some(item => item.productId === command.productId)) {
        throw raise(ItemNotInOrder, { details: { orderId, productId: command.productId } })
      }
      return [{ type: 'ItemRemoved', data: { productId: command.productId } }]
    case 'check-out':
      return checkOut(command, state)
    case 'ask-for-payment':
      if (state.status !== 'pending' || state.paymentRequested || state.paymentMethod === undefined) return []
      return [
        { type: 'StockReserved', data: { reservationId: reservationOf(orderId) } },
        { type: 'PaymentRequested', data: { amount: totalOf(state.items), paymentMethod: state.paymentMethod } },
      ]
    case 'confirm':
      if (state.status !== 'pending') return []
      return [
        { type: 'PaymentCaptured', data: { paymentId: command.paymentId, amount: command.amount } },
        { type: 'OrderConfirmed', data: { total: totalOf(state.items) } },
      ]
    case 'cancel':
      return cancel(command, state)
    case 'fail': {
      if (state.status === 'cancelled') return []
      const { code, message } = command
      return [{ type: 'OrderCancelled', data: { code, message, refund: state.status === 'confirmed' } }]
    }
  }
}

function checkOut(command: Extract<OrderCommand, { kind: 'check-out' }>, state: OrderState): readonly OrderEvent[] {
  const orderId = state.id
  open(state)
  if (state.items.length === 0) throw raise(OrderEmpty, { details: { orderId } })
  const prices = state.items.flatMap(item => {
    const now = command.prices.get(item.productId)
    const same = now === undefined || (now.amount === item.unitPrice.amount && now.currency === item.unitPrice.currency)
    return same ? [] : [{ productId: item.productId, was: item.unitPrice, now }]
  })
  if (prices.length > 0) throw raise(PriceChanged, { details: { prices } })
  return [{ type: 'CheckoutStarted', data: { paymentMethod: command.paymentMethod, total: totalOf(state.items) } }]
}

function cancel(command: Extract<OrderCommand, { kind: 'cancel' }>, state: OrderState): readonly OrderEvent[] {
  const orderId = state.id
  const { code, message } = command
  if (state.status === 'cancelled') throw raise(AlreadyCancelled, { details: { orderId } })
  if (state.status === 'confirmed') {
    if (command.by !== 'refunder') throw raise(RefundNotAllowed, { details: { orderId } })
    return [{ type: 'OrderCancelled', data: { code, message, refund: true } }]
  }
  if (state.paymentRequested) throw raise(PaymentInProgress, { details: { orderId } })
  return [{ type: 'OrderCancelled', data: { code, message, refund: false } }]
}

function open(state: OrderState): void {
  if (state.status !== 'created') {
    throw raise(OrderNotOpen, { details: { orderId: state.id, status: state.status as OrderStatus } })
  }
}

/** The lines with one more item; of a product that is there already the quantities add up, at the price and name of now. */
function merge(items: readonly Line[], item: Line): readonly Line[] {
  const before = items.find(other => other.productId === item.productId)
  if (before === undefined) return [...items, item]
  const line = { ...item, quantity: before.quantity + item.quantity }
  return items.map(other => (other === before ? line : other))
}

/** The same, within the limits of an order. */
function withItem(orderId: string, items: readonly Line[], item: Line): readonly Line[] {
  const merged = merge(items, item)
  const over = merged.some(line => line.quantity > MAX_QUANTITY)
  if (over || merged.length > MAX_LINES) throw raise(TooManyItems, { details: { orderId } })
  const currencies = [...new Set(merged.map(line => line.unitPrice.currency))]
  if (currencies.length > 1) throw raise(MixedCurrencies, { details: { orderId, currencies } })
  return merged
}

export function evolve(state: OrderState, event: OrderEvent): OrderState {
  switch (event.type) {
    case 'OrderCreated':
      return { ...state, status: 'created', userId: event.data.userId, items: event.data.items }
    case 'ItemAdded':
      return { ...state, items: merge(state.items, event.data) }
    case 'ItemRemoved':
      return { ...state, items: state.items.filter(item => item.productId !== event.data.productId) }
    case 'CheckoutStarted':
      return { ...state, status: 'pending', paymentMethod: event.data.paymentMethod }
    case 'StockReserved':
    case 'PaymentCaptured':
      return state
    case 'PaymentRequested':
      return { ...state, paymentRequested: true }
    case 'OrderConfirmed':
      return { ...state, status: 'confirmed' }
    case 'OrderCancelled':
      return { ...state, status: 'cancelled', cancellation: { code: event.data.code, message: event.data.message } }
  }
}

/** The order, event-sourced. */
export const OrderAggregate = aggregate({
  name: 'order',
  events: orderEvents,
  starts: ['OrderCreated'],
  initialState,
  decide,
  evolve,
})

/** An order to which nothing has happened. */
export function initialState(id: string): OrderState {
  return {
    id,
    status: 'none',
    userId: '',
    items: [],
    paymentMethod: undefined,
    paymentRequested: false,
    cancellation: undefined,
  }
}

/** An order as its callers see it. */
export function toOrder(state: OrderState, times: { readonly createdAt: number; readonly updatedAt: number }): Order {
  if (state.status === 'none') throw raise(OrderNotFound, { details: { orderId: state.id } })
  return {
    id: state.id,
    userId: state.userId,
    status: state.status,
    items: state.items.map(item => ({
      ...item,
      lineTotal: { amount: item.unitPrice.amount * item.quantity, currency: item.unitPrice.currency },
    })),
    total: totalOf(state.items),
    createdAt: new Date(times.createdAt).toISOString(),
    updatedAt: new Date(times.updatedAt).toISOString(),
    ...(state.status === 'pending'
      ? { waitingFor: state.paymentRequested ? ('payment' as const) : ('stock' as const) }
      : {}),
    ...(state.cancellation === undefined ? {} : { cancellation: state.cancellation }),
  }
}
