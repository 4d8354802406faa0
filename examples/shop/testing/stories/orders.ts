import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expecting, type Json } from '../shop-client.ts'
import { details, eventually, product, refused, type Scene, shaped, TIME } from './at-the-shop.ts'

/** Opening and filling orders. */
export function filling(at: () => Scene): void {
  test('an order is opened with names and prices of now, and read back the same', async () => {
    const { customer } = at()
    const productId = await product(at(), { price: 1_250 })
    const order = await customer.order({ productId, quantity: 2 })
    shaped(order, 'id', 'userId', 'status', 'items', 'total', 'createdAt', 'updatedAt')
    assert.equal(order.userId, customer.user.id)
    assert.equal(order.status, 'created')
    const euro = (amount: number) => ({ amount, currency: 'EUR' })
    assert.deepEqual(order.items, [
      { productId, name: 'Story lamp', quantity: 2, unitPrice: euro(1_250), lineTotal: euro(2_500) },
    ])
    assert.deepEqual(order.total, euro(2_500))
    assert.match(order.createdAt, TIME)
    assert.deepEqual(expecting(200, await customer.get(`/orders/${order.id}`)), order)
  })

  test('an order may begin empty and change while it is open', async () => {
    const { customer } = at()
    const [lamp, chair] = [await product(at()), await product(at(), { price: 300 })]
    const { id } = expecting(201, await customer.post('/orders', {}))
    expecting(200, await customer.post(`/orders/${id}/items`, { productId: lamp, quantity: 1 }))
    expecting(200, await customer.post(`/orders/${id}/items`, { productId: chair, quantity: 1 }))
    const more = expecting(200, await customer.post(`/orders/${id}/items`, { productId: chair, quantity: 2 }))
    assert.equal(more.total.amount, 1_900)
    const less = expecting(200, await customer.delete(`/orders/${id}/items/${lamp}`))
    assert.deepEqual(
      less.items.map((item: Json) => [item.productId, item.quantity]),
      [[chair, 3]],
    )
    refused(await customer.delete(`/orders/${id}/items/${lamp}`), 404, 'not_found', 'ITEM_NOT_IN_ORDER')
  })

  test('an order has products that are for sale, in one currency', async () => {
    const { customer, clerk } = at()
    const [lamp, dollars] = [await product(at()), await product(at(), { currency: 'USD' })]
    const unknown = await customer.post('/orders', { items: [{ productId: 'p-nothing', quantity: 1 }] })
    assert.deepEqual(refused(unknown, 409, 'failed_precondition', 'UNKNOWN_PRODUCT').details, {
      productIds: ['p-nothing'],
    })
    const mixed = [lamp, dollars].map(productId => ({ productId, quantity: 1 }))
    refused(await customer.post('/orders', { items: mixed }), 409, 'failed_precondition', 'MIXED_CURRENCIES')
    expecting(200, await clerk.put(`/products/${lamp}`, details({ active: false })))
    const withdrawn = await customer.post('/orders', { items: [{ productId: lamp, quantity: 1 }] })
    refused(withdrawn, 409, 'failed_precondition', 'UNKNOWN_PRODUCT')
  })

  test('a key opens one order; with another body it is refused', async () => {
    const { customer, stranger } = at()
    const productId = await product(at())
    const body = { items: [{ productId, quantity: 1 }] }
    const key = `key-of-${productId}`
    const before = (await customer.all('/orders')).length
    const answers = await Promise.all([1, 2, 3].map(() => customer.post('/orders', body, { key })))
    const orders = answers.map(answer => expecting(201, answer))
    assert.equal(new Set(orders.map(({ id }) => id)).size, 1)
    assert.equal((await customer.all('/orders')).length, before + 1)
    refused(await customer.post('/orders', {}, { key }), 422, 'failed_precondition', 'IDEMPOTENCY_KEY_REUSED')
    const other = expecting(201, await stranger.post('/orders', body, { key }))
    assert.notEqual(other.id, orders[0]?.id)
  })

  test('a key of one order is another key for another order', async () => {
    const { customer } = at()
    const productId = await product(at())
    const body = { productId, quantity: 1 }
    const key = `item-${productId}`
    const [first, second] = [await customer.order(), await customer.order()]
    const added = expecting(200, await customer.post(`/orders/${first.id}/items`, body, { key }))
    assert.deepEqual(expecting(200, await customer.post(`/orders/${first.id}/items`, body, { key })), added)
    assert.equal(added.items[0].quantity, 1)
    assert.equal(expecting(200, await customer.post(`/orders/${second.id}/items`, body, { key })).id, second.id)
  })

  test('orders are listed newest first, page by page, one’s own alone', async () => {
    const { customer, stranger, clerk } = at()
    const mine: string[] = []
    for (let count = 0; count < 3; count++) mine.push((await customer.order()).id)
    const all = await customer.all('/orders')
    assert(all.every((order: Json) => order.userId === customer.user.id))
    assert.deepEqual(
      all.slice(0, 3).map((order: Json) => order.id),
      mine.toReversed(),
    )
    const page = expecting(200, await customer.get('/orders?limit=2'))
    const next = expecting(200, await customer.get(`/orders?limit=2&cursor=${page.nextCursor}`))
    assert.deepEqual(
      [...page.items, ...next.items].map((order: Json) => order.id),
      all.slice(0, 4).map((order: Json) => order.id),
    )
    await stranger.order()
    const seen = new Set((await clerk.all('/orders')).map((order: Json) => order.userId))
    assert(seen.has(customer.user.id) && seen.has(stranger.user.id))
  })

  test('what is not yours is not there', async () => {
    const { customer, stranger, visitor, clerk } = at()
    const productId = await product(at())
    const { id } = await customer.order({ productId, quantity: 1 })
    const asks = (client: typeof customer, order: string) => [
      client.get(`/orders/${order}`),
      client.get(`/orders/${order}/history`),
      client.get(`/orders/${order}/changes`),
      client.post(`/orders/${order}/items`, { productId, quantity: 1 }),
      client.delete(`/orders/${order}/items/${productId}`),
      client.post(`/orders/${order}/checkout`, { paymentMethod: 'pm_ok' }),
      client.post(`/orders/${order}/cancel`, {}),
    ]
    const foreign = await Promise.all(asks(stranger, id))
    const missing = await Promise.all(asks(stranger, 'o-nothing'))
    for (const [index, answer] of foreign.entries()) {
      const body = refused(answer, 404, 'not_found', 'ORDER_NOT_FOUND')
      const nothing = refused(missing[index] as typeof answer, 404, 'not_found', 'ORDER_NOT_FOUND')
      assert.deepEqual({ ...body, details: 0 }, { ...nothing, details: 0 })
    }
    for (const answer of await Promise.all(asks(visitor, id))) refused(answer, 401, 'unauthenticated')
    expecting(200, await clerk.get(`/orders/${id}`))
    const clerks = await clerk.post(`/orders/${id}/checkout`, { paymentMethod: 'pm_ok' })
    refused(clerks, 404, 'not_found', 'ORDER_NOT_FOUND')
  })

  test('the history has every event with its metadata, oldest first, paged', async () => {
    const { customer } = at()
    const productId = await product(at())
    const order = await customer.order()
    expecting(200, await customer.post(`/orders/${order.id}/items`, { productId, quantity: 2 }))
    await customer.checkOut(order.id)
    await customer.settled(order.id)
    const { items } = expecting(200, await customer.get(`/orders/${order.id}/history`))
    assert.deepEqual(
      items.map((event: Json) => event.type),
      [
        'OrderCreated',
        'ItemAdded',
        'CheckoutStarted',
        'StockReserved',
        'PaymentRequested',
        'PaymentCaptured',
        'OrderConfirmed',
      ],
    )
    const ids = new Set<string>()
    for (const [index, event] of items.entries()) {
      const members = ['eventId', 'type', 'aggregateId', 'version', 'timestamp', 'correlationId', 'causationId']
      shaped(event, ...members, 'actor', 'data')
      assert.equal(event.version, index + 1)
      assert.equal(event.aggregateId, order.id)
      assert.match(event.timestamp, TIME)
      for (const member of ['eventId', 'correlationId', 'causationId', 'actor']) assert.notEqual(event[member], '')
      ids.add(event.eventId)
    }
    assert.equal(ids.size, items.length)
    assert(items[0].actor.includes(customer.user.id), items[0].actor)
    const correlated = new Set(items.slice(2).map((event: Json) => event.correlationId))
    assert.equal(correlated.size, 1, 'a checkout and what follows from it have one correlation id')
    const page = expecting(200, await customer.get(`/orders/${order.id}/history?limit=3`))
    const rest = expecting(200, await customer.get(`/orders/${order.id}/history?cursor=${page.nextCursor}`))
    assert.deepEqual([...page.items, ...rest.items], items)
    assert.equal(rest.nextCursor, undefined)
  })

  test('of two changes at once both happen, and every version is there', async () => {
    const { customer } = at()
    const productId = await product(at())
    const order = await customer.order()
    const body = { productId, quantity: 1 }
    await Promise.all(
      [1, 2, 3, 4, 5].map(() => customer.post(`/orders/${order.id}/items`, body).then(a => expecting(200, a))),
    )
    assert.equal(expecting(200, await customer.get(`/orders/${order.id}`)).items[0].quantity, 5)
    const { items } = expecting(200, await customer.get(`/orders/${order.id}/history`))
    assert.deepEqual(
      items.map((event: Json) => event.version),
      [1, 2, 3, 4, 5, 6],
    )
  })

  test('a price that changed since the item was added stops the checkout with the new price', async () => {
    const { customer, clerk } = at()
    const productId = await product(at(), { price: 1_000 })
    const orders = await Promise.all(Array.from({ length: 20 }, () => customer.order({ productId, quantity: 1 })))
    const news = details({ price: { amount: 1_100, currency: 'EUR' } })
    expecting(200, await clerk.put(`/products/${productId}`, news))
    // Orders hears of it by an event, a moment later.
    const [order, answer] = await eventually(async () => {
      const next = orders.pop()
      assert(next !== undefined, 'orders never heard of the new price')
      const tried = await customer.post(`/orders/${next.id}/checkout`, { paymentMethod: 'pm_ok' })
      return tried.status === 202 ? undefined : ([next, tried] as const)
    })
    const body = refused(answer, 409, 'failed_precondition', 'PRICE_CHANGED')
    assert.deepEqual(body.details, {
      prices: [{ productId, was: { amount: 1_000, currency: 'EUR' }, now: { amount: 1_100, currency: 'EUR' } }],
    })
    expecting(200, await customer.delete(`/orders/${order.id}/items/${productId}`))
    expecting(200, await customer.post(`/orders/${order.id}/items`, { productId, quantity: 1 }))
    await customer.checkOut(order.id)
  })
}
