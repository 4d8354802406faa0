import { raise } from 'trellis/contract'
import { Fault } from 'trellis/kernel'
import type { ServiceContext, ServiceTransaction } from 'trellis/service'
import { implement, on, service } from 'trellis/service'
import { callerOf } from '../caller.ts'
import { Catalog, ProductChanged } from '../catalog/contract.ts'
import { decodeCursor, decodeNumericCursor, encodeCursor } from '../cursor.ts'
import { Inventory } from '../inventory/contract.ts'
import { SendNotification } from '../notifications/contract.ts'
import { Payments } from '../payments/contract.ts'
import { DEFAULT_LIMIT } from '../shapes.ts'
import { Users } from '../users/contract.ts'
import { advance, takeStep } from './checkout.ts'
import type { Order } from './contract.ts'
import {
  CheckoutStarted,
  ItemAdded,
  ItemRemoved,
  OrderCancelled,
  OrderConfirmed,
  OrderCreated,
  OrderNotFound,
  Orders,
  UnknownProduct,
} from './contract.ts'
import { changesOf, historyOf } from './history.ts'
import { OrderStep } from './messages.ts'
import type { OrderCommand, OrderState } from './order.ts'
import { totalOf } from './order.ts'
import type { ListedOrder } from './order-list.ts'
import { findOrder, listOrders, orderList } from './order-list.ts'
import { hearPrice, knownPrices, priceMigrations } from './prices.ts'

/** The order, which must be the caller's or open to them; one that is not is not there. */
async function owned(orderId: string, ctx: ServiceContext): Promise<ListedOrder> {
  const found = await findOrder(ctx.read, orderId)
  const missing = () => raise(OrderNotFound, { details: { orderId } })
  if (found === undefined) throw missing()
  ctx.authorize(found.order.userId, missing)
  return found
}

/** The products of an order as catalog has them now. */
async function priced(items: readonly { productId: string; quantity: number }[], ctx: ServiceContext) {
  if (items.length === 0) return []
  const { products } = await ctx
    .client(Catalog)
    .getMany({ productIds: [...new Set(items.map(item => item.productId))] })
  const byId = new Map(products.filter(product => product.active).map(product => [product.id, product]))
  const unknown = items.filter(item => !byId.has(item.productId)).map(item => item.productId)
  if (unknown.length > 0) throw raise(UnknownProduct, { details: { productIds: unknown } })
  return items.map(({ productId, quantity }) => {
    const product = byId.get(productId) as (typeof products)[number]
    return { line: { productId, name: product.name, quantity, unitPrice: product.price }, product }
  })
}

/** Changes an order in one transaction; `news` is what others hear of it. */
async function change(
  orderId: string,
  ctx: ServiceContext,
  command: OrderCommand,
  news?: (tx: ServiceTransaction, state: OrderState) => Promise<void>,
): Promise<Order> {
  return ctx.transaction(async tx => {
    const state = await advance(tx, orderId, command)
    await news?.(tx, state)
    const found = await findOrder(tx, orderId)
    if (found === undefined) throw new Error(`Order ${orderId} is not in its list.`)
    return found.order
  })
}

export const orders = service('orders', {
  capability: 'order-management',
  owns: ['order'],
  uses: [Users, Catalog, Inventory, Payments],
  publishes: [
    OrderCreated,
    ItemAdded,
    ItemRemoved,
    CheckoutStarted,
    OrderConfirmed,
    OrderCancelled,
    OrderStep,
    SendNotification,
  ],
  migrations: priceMigrations,
  projections: [orderList],
  provides: [
    implement(Orders, {
      async create({ items = [] }, ctx) {
        const userId = callerOf(ctx)
        await stillAUser(userId, ctx)
        const found = await priced(items, ctx)
        const orderId = ctx.newId()
        const command: OrderCommand = { kind: 'create', userId, items: found.map(({ line }) => line) }
        return change(orderId, ctx, command, async (tx, state) => {
          for (const { product } of found) await hearPrice(tx, { ...product, productId: product.id })
          await tx.publish(OrderCreated, { orderId, userId, total: totalOf(state.items) }, { key: orderId })
        })
      },

      async get({ orderId }, ctx) {
        return (await owned(orderId, ctx)).order
      },

      async list({ cursor, limit = DEFAULT_LIMIT }, ctx) {
        const all = ctx.identity?.permissions.has('orders:read') === true
        const userId = all ? undefined : callerOf(ctx)
        const before = cursor === undefined ? undefined : decodeCursor(cursor)
        const found = await listOrders(ctx.read, { userId, before, limit: limit + 1 })
        const items = found.slice(0, limit)
        const last = items.at(-1)
        return found.length > limit && last !== undefined ? { items, nextCursor: encodeCursor(last.id) } : { items }
      },

      async addItem({ orderId, productId, quantity }, ctx) {
        const { order } = await owned(orderId, ctx)
        const [found] = await priced([{ productId, quantity }], ctx)
        if (found === undefined) throw raise(UnknownProduct, { details: { productIds: [productId] } })
        const { userId } = order
        return change(orderId, ctx, { kind: 'add-item', item: found.line }, async tx => {
          await hearPrice(tx, { ...found.product, productId })
          await tx.publish(ItemAdded, { orderId, userId, productId, quantity }, { key: orderId })
        })
      },

      async removeItem({ orderId, productId }, ctx) {
        const { order } = await owned(orderId, ctx)
        const { userId } = order
        return change(orderId, ctx, { kind: 'remove-item', productId }, tx =>
          tx.publish(ItemRemoved, { orderId, userId, productId }, { key: orderId }),
        )
      },

      async checkout({ orderId, paymentMethod }, ctx) {
        const { order } = await owned(orderId, ctx)
        const productIds = order.items.map(item => item.productId)
        const { prices, withdrawn } = await knownPrices(ctx.read, productIds)
        if (order.status === 'created' && withdrawn.length > 0)
          throw raise(UnknownProduct, { details: { productIds: [...withdrawn] } })
        const { userId } = order
        return change(orderId, ctx, { kind: 'check-out', paymentMethod, prices }, (tx, state) =>
          tx.publish(CheckoutStarted, { orderId, userId, total: totalOf(state.items) }, { key: orderId }),
        )
      },

      async cancel({ orderId, reason }, ctx) {
        await owned(orderId, ctx)
        const by = ctx.identity?.permissions.has('orders:refund') === true ? 'refunder' : 'customer'
        const message = reason ?? (by === 'refunder' ? 'Cancelled by the shop.' : 'Cancelled by the customer.')
        return change(orderId, ctx, { kind: 'cancel', code: 'CANCELLED', message, by })
      },

      async *changes({ orderId, lastEventId }, ctx) {
        const found = await owned(orderId, ctx)
        yield* changesOf(found, lastEventId, ctx)
      },

      async history({ orderId, cursor, limit = DEFAULT_LIMIT }, ctx) {
        await owned(orderId, ctx)
        const after = cursor === undefined ? 0 : decodeNumericCursor(cursor)
        const found = await historyOf(orderId, after, limit + 1, ctx)
        const items = found.slice(0, limit)
        const last = items.at(-1)
        return found.length > limit && last !== undefined
          ? { items, nextCursor: encodeCursor(String(last.version)) }
          : { items }
      },
    }),
  ],
  consumes: [on(ProductChanged, (news, ctx) => ctx.transaction(tx => hearPrice(tx, news))), on(OrderStep, takeStep)],
})

/** The caller's account must be open. If users can't be asked, the verified token suffices. */
async function stillAUser(userId: string, ctx: ServiceContext): Promise<void> {
  try {
    await ctx.client(Users).get({ userId }, { timeoutMs: 1_000 })
  } catch (error) {
    const fault = Fault.from(error)
    if (fault.code !== 'unavailable' && fault.code !== 'deadline_exceeded') throw fault
    ctx.log('warn', 'users could not be asked; the token is taken at its word', { reason: fault.reason })
  }
}
