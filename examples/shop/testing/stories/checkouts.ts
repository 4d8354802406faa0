import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expecting, type Json } from '../shop-client.ts'
import { eventually, product, refused, type Scene, shaped, TIME } from './at-the-shop.ts'

/** Checking out, and what follows across the services. */
export function checkouts(at: () => Scene): void {
  for (const method of ['pm_ok', 'pm_slow', 'pm_flaky', 'pm_lost']) {
    test(`${method} ends in a confirmed order, one payment, stock taken out and one notification`, async () => {
      const { customer } = at()
      const productId = await product(at(), { stock: 10, price: 700 })
      const order = await customer.order({ productId, quantity: 3 })
      const accepted = await customer.checkOut(order.id, method)
      assert(['pending', 'confirmed'].includes(accepted.status), accepted.status)
      const settled = await customer.settled(order.id)
      assert.equal(settled.status, 'confirmed')
      assert.equal(settled.waitingFor, undefined)
      const payment = expecting(200, await customer.get(`/payments/${order.id}`))
      shaped(payment, 'id', 'orderId', 'status', 'amount', 'refunds', 'at')
      assert.match(payment.at, TIME)
      assert.deepEqual(
        { orderId: payment.orderId, status: payment.status, amount: payment.amount, refunds: payment.refunds },
        { orderId: order.id, status: 'captured', amount: { amount: 2_100, currency: 'EUR' }, refunds: [] },
      )
      await eventually(async () => {
        const { onHand, reserved } = expecting(200, await customer.get(`/stock/${productId}`))
        return onHand === 7 && reserved === 0 ? true : undefined
      })
      const letter = await letterOf(at(), order.id)
      shaped(letter, 'id', 'kind', 'orderId', 'subject', 'text', 'at')
      assert.equal(letter.kind, 'order-confirmed')
    })
  }

  test('pm_declined cancels the order and gives its stock back', async () => {
    const { customer } = at()
    const productId = await product(at(), { stock: 10 })
    const order = await customer.order({ productId, quantity: 3 })
    await customer.checkOut(order.id, 'pm_declined')
    const settled = await customer.settled(order.id)
    assert.equal(settled.status, 'cancelled')
    assert.equal(settled.cancellation.code, 'PAYMENT_DECLINED')
    assert.equal(expecting(200, await customer.get(`/payments/${order.id}`)).status, 'declined')
    await untouched(at(), productId, 10)
    assert.equal((await letterOf(at(), order.id)).kind, 'order-cancelled')
  })

  test('short stock cancels the order, names the products, and charges nothing', async () => {
    const { customer } = at()
    const [much, little] = [await product(at(), { stock: 10 }), await product(at(), { stock: 1 })]
    const order = await customer.order({ productId: much, quantity: 2 }, { productId: little, quantity: 2 })
    await customer.checkOut(order.id)
    const { status, cancellation } = await customer.settled(order.id)
    assert.equal(status, 'cancelled')
    assert.equal(cancellation.code, 'OUT_OF_STOCK')
    assert(cancellation.message.includes(little) && !cancellation.message.includes(much), cancellation.message)
    refused(await customer.get(`/payments/${order.id}`), 404, 'not_found', 'PAYMENT_NOT_FOUND')
    await untouched(at(), much, 10)
    await untouched(at(), little, 1)
  })

  test('the last one is sold once, however many want it', async () => {
    const { customer } = at()
    const productId = await product(at(), { stock: 2 })
    const orders = await Promise.all([1, 2, 3, 4, 5].map(() => customer.order({ productId, quantity: 1 })))
    await Promise.all(orders.map(({ id }) => customer.checkOut(id)))
    const settled = await Promise.all(orders.map(({ id }) => customer.settled(id)))
    assert.deepEqual(settled.map(({ status }) => status).sort(), [
      'cancelled',
      'cancelled',
      'cancelled',
      'confirmed',
      'confirmed',
    ])
  })

  test('an order that is empty or checked out is not checked out', async () => {
    const { customer } = at()
    const empty = await customer.order()
    const body = { paymentMethod: 'pm_ok' }
    refused(await customer.post(`/orders/${empty.id}/checkout`, body), 409, 'failed_precondition', 'ORDER_EMPTY')
    const order = await customer.order({ productId: await product(at()), quantity: 1 })
    await customer.checkOut(order.id)
    refused(await customer.post(`/orders/${order.id}/checkout`, body), 409, 'failed_precondition', 'ORDER_NOT_OPEN')
    const item = { productId: 'p-001', quantity: 1 }
    refused(await customer.post(`/orders/${order.id}/items`, item), 409, 'failed_precondition', 'ORDER_NOT_OPEN')
  })

  test('a checkout with one key is one checkout, and its answer stays the same', async () => {
    const { customer } = at()
    const order = await customer.order({ productId: await product(at()), quantity: 1 })
    const key = `checkout-${order.id}`
    const body = { paymentMethod: 'pm_ok' }
    const first = expecting(202, await customer.post(`/orders/${order.id}/checkout`, body, { key }))
    await customer.settled(order.id)
    assert.deepEqual(expecting(202, await customer.post(`/orders/${order.id}/checkout`, body, { key })), first)
    const other = await customer.post(`/orders/${order.id}/checkout`, { paymentMethod: 'pm_lost' }, { key })
    refused(other, 422, 'failed_precondition', 'IDEMPOTENCY_KEY_REUSED')
    const { items } = expecting(200, await customer.get(`/orders/${order.id}/history`))
    assert.equal(items.filter((event: Json) => event.type === 'CheckoutStarted').length, 1)
  })

  test('an open order is cancelled by its customer, once', async () => {
    const { customer } = at()
    const order = await customer.order({ productId: await product(at()), quantity: 1 })
    const cancelled = expecting(200, await customer.post(`/orders/${order.id}/cancel`, { reason: 'Too dear.' }))
    assert.equal(cancelled.status, 'cancelled')
    assert.equal(cancelled.cancellation.message, 'Too dear.')
    refused(await customer.post(`/orders/${order.id}/cancel`, {}), 409, 'failed_precondition', 'ALREADY_CANCELLED')
  })

  test('an order that is being paid says so and is not cancelled', async () => {
    const { customer } = at()
    const order = await customer.order({ productId: await product(at()), quantity: 1 })
    await customer.checkOut(order.id, 'pm_slow')
    await eventually(async () => {
      const { waitingFor } = expecting(200, await customer.get(`/orders/${order.id}`))
      return waitingFor === 'payment' ? true : undefined
    })
    refused(await customer.post(`/orders/${order.id}/cancel`, {}), 409, 'failed_precondition', 'PAYMENT_IN_PROGRESS')
    assert.equal((await customer.settled(order.id)).status, 'confirmed')
  })

  test('a confirmed order is cancelled by the shop alone, which refunds and takes the goods back', async () => {
    const { customer, admin } = at()
    const productId = await product(at(), { stock: 10, price: 500 })
    const order = await customer.order({ productId, quantity: 2 })
    await customer.checkOut(order.id)
    await customer.settled(order.id)
    refused(await customer.post(`/orders/${order.id}/cancel`, {}), 403, 'permission_denied', 'REFUND_NOT_ALLOWED')
    const cancelled = expecting(200, await admin.post(`/orders/${order.id}/cancel`, { reason: 'Recalled.' }))
    assert.equal(cancelled.status, 'cancelled')
    const payment = await eventually(async () => {
      const found = expecting(200, await customer.get(`/payments/${order.id}`))
      return found.status === 'refunded' ? found : undefined
    })
    assert.deepEqual(
      payment.refunds.map((refund: Json) => refund.amount),
      [{ amount: 1_000, currency: 'EUR' }],
    )
    await untouched(at(), productId, 10)
  })

  test('a payment is its customer’s, or for those who may read payments', async () => {
    const { customer, stranger, clerk, admin, visitor } = at()
    const order = await customer.order({ productId: await product(at()), quantity: 1 })
    await customer.checkOut(order.id)
    await customer.settled(order.id)
    const path = `/payments/${order.id}`
    refused(await stranger.get(path), 404, 'not_found', 'PAYMENT_NOT_FOUND')
    refused(await clerk.get(path), 404, 'not_found', 'PAYMENT_NOT_FOUND')
    refused(await visitor.get(path), 401, 'unauthenticated')
    expecting(200, await admin.get(path))
  })
}

/** The one notification for an order's final state. */
async function letterOf({ customer }: Scene, orderId: string): Promise<Json> {
  const letters = await eventually(async () => {
    const found = (await customer.all('/notifications')).filter((letter: Json) => letter.orderId === orderId)
    return found.length === 0 ? undefined : found
  })
  assert.equal(letters.length, 1)
  return letters[0]
}

async function untouched({ customer }: Scene, productId: string, onHand: number): Promise<void> {
  await eventually(async () => {
    const stock = expecting(200, await customer.get(`/stock/${productId}`))
    return stock.onHand === onHand && stock.reserved === 0 ? true : undefined
  })
}
