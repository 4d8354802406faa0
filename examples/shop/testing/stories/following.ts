import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expecting, type Json, newAccount, ShopClient, type StreamedEvent } from '../shop-client.ts'
import { eventually, product, refused, type Scene, shaped } from './at-the-shop.ts'

/** Watching an order, notifications, and the figures that come of it. */
export function following(at: () => Scene): void {
  test('an order is followed from a snapshot to its final state, each version once', async () => {
    const { customer } = at()
    const productId = await product(at())
    const order = await customer.order({ productId, quantity: 1 })
    const seen: StreamedEvent[] = []
    for await (const event of customer.changes(order.id)) {
      seen.push(event)
      if (seen.length === 1) await customer.checkOut(order.id)
    }
    assert.equal(seen[0]?.event, 'snapshot')
    assert.equal(seen[0]?.data.status, 'created')
    assert.equal(seen[0]?.data.event.id, order.id)
    assert.deepEqual(
      seen.map(({ id }) => Number(id)),
      [1, 2, 3, 4, 5, 6],
    )
    assert.deepEqual(
      seen.slice(1).map(({ event, data }) => [event, data.status]),
      [
        ['CheckoutStarted', 'pending'],
        ['StockReserved', 'pending'],
        ['PaymentRequested', 'pending'],
        ['PaymentCaptured', 'pending'],
        ['OrderConfirmed', 'confirmed'],
      ],
    )
  })

  test('last-event-id goes on where a reader stopped, and after the final state there is nothing', async () => {
    const { customer } = at()
    const order = await customer.order({ productId: await product(at()), quantity: 1 })
    await customer.checkOut(order.id)
    await customer.settled(order.id)
    const resumed: StreamedEvent[] = []
    for await (const event of customer.changes(order.id, { headers: { 'last-event-id': '3' } })) resumed.push(event)
    assert.deepEqual(
      resumed.map(({ id }) => Number(id)),
      [4, 5, 6],
    )
    const headers = { accept: 'text/event-stream', 'last-event-id': '6' }
    const answer = await customer.fetch('GET', `/orders/${order.id}/changes`, { headers })
    assert.equal(answer.status, 204)
  })

  test('an order in its final state gives its snapshot and ends', async () => {
    const { customer } = at()
    const order = await customer.order()
    expecting(200, await customer.post(`/orders/${order.id}/cancel`, {}))
    const seen: StreamedEvent[] = []
    for await (const event of customer.changes(order.id)) seen.push(event)
    assert.deepEqual(
      seen.map(({ event, data }) => [event, data.status]),
      [['snapshot', 'cancelled']],
    )
  })

  test('the same is given as one JSON document a line', async () => {
    const { customer } = at()
    const order = await customer.order({ productId: await product(at()), quantity: 1 })
    await customer.checkOut(order.id)
    const lines = await customer.lines(`/orders/${order.id}/changes`)
    assert.equal(lines[0].type, 'snapshot')
    assert.equal(lines.at(-1).status, 'confirmed')
  })

  test('a stream says by its head that it must not be kept', async () => {
    const { customer } = at()
    const order = await customer.order()
    const stop = new AbortController()
    const headers = { accept: 'text/event-stream' }
    const response = await customer.fetch('GET', `/orders/${order.id}/changes`, { headers, signal: stop.signal })
    assert.equal(response.headers.get('content-type'), 'text/event-stream')
    assert.equal(response.headers.get('cache-control'), 'no-store')
    stop.abort()
    await assert.rejects(response.text())
  })

  test('a new customer is welcomed, once, and reads it newest first', async () => {
    const client = new ShopClient(at().shop.url)
    await client.register()
    const [welcome] = await eventually(async () => {
      const letters = await client.all('/notifications')
      return letters.length === 0 ? undefined : letters
    })
    shaped(welcome, 'id', 'kind', 'subject', 'text', 'at')
    assert.equal(welcome.kind, 'welcome')
    const order = await client.order()
    expecting(200, await client.post(`/orders/${order.id}/cancel`, {}))
    const letters = await eventually(async () => {
      const found = await client.all('/notifications')
      return found.length < 2 ? undefined : found
    })
    assert.deepEqual(
      letters.map((letter: Json) => letter.kind),
      ['order-cancelled', 'welcome'],
    )
    const page = expecting(200, await client.get('/notifications?limit=1'))
    const next = expecting(200, await client.get(`/notifications?limit=1&cursor=${page.nextCursor}`))
    assert.deepEqual([...page.items, ...next.items], letters)
    assert.equal(next.nextCursor, undefined)
  })

  test('notifications come live, to their reader alone', async () => {
    const client = new ShopClient(at().shop.url)
    await client.register()
    await eventually(async () => ((await client.all('/notifications')).length === 1 ? true : undefined))
    const stop = new AbortController()
    const headers = { accept: 'text/event-stream' }
    const response = await client.fetch('GET', '/notifications/stream', { headers, signal: stop.signal })
    assert.equal(response.status, 200)
    const foreign = await at().stranger.order()
    expecting(200, await at().stranger.post(`/orders/${foreign.id}/cancel`, {}))
    const own = await client.order()
    expecting(200, await client.post(`/orders/${own.id}/cancel`, {}))
    let text = ''
    try {
      for await (const chunk of response.body ?? []) {
        text += new TextDecoder().decode(chunk)
        if (text.includes(own.id)) break
      }
    } finally {
      stop.abort()
    }
    assert(text.includes('event: order-cancelled'), text)
    assert(!text.includes(foreign.id))
    refused(await at().visitor.get('/notifications'), 401, 'unauthenticated')
    refused(await at().visitor.get('/notifications/stream'), 401, 'unauthenticated')
  })

  test('the daily figures count what happened', async () => {
    const { clerk, customer, visitor } = at()
    const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
    const query = `/analytics/daily?from=${day(Date.now() - 86_400_000)}&to=${day(Date.now() + 30 * 86_400_000)}`
    const before = sum(expecting(200, await clerk.get(query)))
    const someone = new ShopClient(at().shop.url)
    await someone.register(newAccount())
    const productId = await product(at(), { price: 450 })
    const [bought, refusedOrder] = [
      await someone.order({ productId, quantity: 2 }),
      await someone.order({ productId, quantity: 1 }),
    ]
    await someone.checkOut(bought.id)
    await someone.checkOut(refusedOrder.id, 'pm_declined')
    await someone.settled(bought.id)
    await someone.settled(refusedOrder.id)
    const wanted = {
      registrations: before.registrations + 1,
      created: before.created + 2,
      confirmed: before.confirmed + 1,
      cancelled: before.cancelled + 1,
      revenue: before.revenue + 900,
    }
    await eventually(async () => {
      const now = sum(expecting(200, await clerk.get(query)))
      return JSON.stringify(now) === JSON.stringify(wanted) ? true : undefined
    })
    refused(await customer.get(query), 403, 'permission_denied')
    refused(await visitor.get(query), 401, 'unauthenticated')
  })

  test('figures are asked for by days that make a period', async () => {
    const { clerk } = at()
    for (const query of [
      '',
      '?from=2026-01-01',
      '?from=x&to=y',
      '?from=2026-01-02&to=2026-01-01',
      '?from=2020-01-01&to=2026-01-01',
    ])
      refused(await clerk.get(`/analytics/daily${query}`), 400, 'invalid_argument')
  })
}

function sum({ items }: Json): {
  registrations: number
  created: number
  confirmed: number
  cancelled: number
  revenue: number
} {
  const figures = { registrations: 0, created: 0, confirmed: 0, cancelled: 0, revenue: 0 }
  for (const day of items) {
    shaped(day, 'day', 'registrations', 'orders', 'revenue')
    figures.registrations += day.registrations
    figures.created += day.orders.created
    figures.confirmed += day.orders.confirmed
    figures.cancelled += day.orders.cancelled
    for (const { amount, currency } of day.revenue) if (currency === 'EUR') figures.revenue += amount
  }
  return figures
}
