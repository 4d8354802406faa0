import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { allHold, invariantsTable } from './testing/invariants-table.ts'
import { settle } from './testing/settle.ts'
import { expecting, type Json, newAccount, ShopClient } from './testing/shop-client.ts'
import { startShop } from './testing/start-shop.ts'
import { details, eventually, open, product, refused, type Scene } from './testing/stories/at-the-shop.ts'

suite('when a part is down', { timeout: 180_000 }, () => {
  let scene: Scene
  before(async () => {
    scene = await open(await startShop({ split: true, timeScale: 1 / 4 }))
  })
  after(() => scene?.shop[Symbol.asyncDispose]())

  /** Runs `body` while parts are stopped, lets them come back, and waits until the gateway has found them. */
  async function without(parts: readonly (keyof typeof PROBES)[], body: () => Promise<void>): Promise<void> {
    for (const part of parts) await scene.shop.takeDown(part)
    try {
      await body()
    } finally {
      for (const part of parts) await scene.shop.bringBack(part)
    }
    for (const part of parts) await eventuallyOk(() => scene.admin.get(PROBES[part]))
  }

  /** An order that waits, until it does. */
  const waitingFor = (orderId: string, what: string): Promise<Json> =>
    eventually(async () => {
      const order = expecting(200, await scene.customer.get(`/orders/${orderId}`))
      return order.waitingFor === what ? order : undefined
    })

  /** What a shop without some part still does: look around. */
  async function browsing(): Promise<void> {
    expecting(200, await scene.visitor.get('/products'))
    expecting(200, await scene.visitor.get('/products/p-001'))
  }

  test('notifications and analytics: everything works, and they catch up', async () => {
    const { customer, clerk } = scene
    const productId = await product(scene)
    const newcomer = new ShopClient(scene.shop.url)
    let orderId = ''
    await without(['notifications', 'analytics'], async () => {
      await browsing()
      await newcomer.register(newAccount())
      const order = await newcomer.order({ productId, quantity: 1 })
      orderId = order.id
      await newcomer.checkOut(orderId)
      assert.equal((await newcomer.settled(orderId)).status, 'confirmed')
      refused(await customer.get('/notifications'), 503, 'unavailable')
      refused(await clerk.get('/analytics/daily?from=2026-01-01&to=2026-01-31'), 503, 'unavailable')
    })
    const kinds = await eventually(async () => {
      const answer = await newcomer.get('/notifications')
      return answer.status === 200 && answer.body.items.length >= 2 ? answer.body.items : undefined
    })
    assert.deepEqual(kinds.map((letter: Json) => letter.kind).sort(), ['order-confirmed', 'welcome'])
  })

  test('payments: browsing, filling and checkout go on; the order waits for payment, and resumes', async () => {
    const { customer } = scene
    const order = await customer.order({ productId: await product(scene), quantity: 1 })
    await without(['payments'], async () => {
      await browsing()
      expecting(201, await customer.post('/orders', { items: [{ productId: 'p-001', quantity: 1 }] }))
      await customer.checkOut(order.id)
      await waitingFor(order.id, 'payment')
      refused(await customer.get(`/payments/${order.id}`), 503, 'unavailable')
    })
    assert.equal((await customer.settled(order.id)).status, 'confirmed')
  })

  test('payments: an order that waits for its payment is not cancelled meanwhile', async () => {
    const { customer } = scene
    const order = await customer.order({ productId: await product(scene), quantity: 1 })
    await without(['payments'], async () => {
      await customer.checkOut(order.id)
      await waitingFor(order.id, 'payment')
      refused(await customer.post(`/orders/${order.id}/cancel`, {}), 409, 'failed_precondition', 'PAYMENT_IN_PROGRESS')
    })
    assert.equal((await customer.settled(order.id)).status, 'confirmed')
  })

  test('inventory: browsing and filling go on, availability is unknown; checkout waits for stock, and resumes', async () => {
    const { customer } = scene
    const productId = await product(scene)
    const [order, left] = [
      await customer.order({ productId, quantity: 1 }),
      await customer.order({ productId, quantity: 1 }),
    ]
    await without(['inventory'], async () => {
      await browsing()
      refused(await customer.get(`/stock/${productId}`), 503, 'unavailable')
      await customer.checkOut(order.id)
      await waitingFor(order.id, 'stock')
      await customer.checkOut(left.id)
      const cancelled = expecting(200, await customer.post(`/orders/${left.id}/cancel`, {}))
      assert.equal(cancelled.status, 'cancelled')
    })
    assert.equal((await customer.settled(order.id)).status, 'confirmed')
    await eventually(async () => {
      const answer = await customer.get(`/stock/${productId}`)
      return answer.status === 200 && answer.body.onHand === 99 && answer.body.reserved === 0 ? true : undefined
    })
  })

  test('catalog: orders in hand, checkout of filled orders and history go on; adding items is unavailable', async () => {
    const { customer } = scene
    const productId = await product(scene)
    const order = await customer.order({ productId, quantity: 1 })
    await without(['catalog'], async () => {
      refused(await customer.get('/products'), 503, 'unavailable')
      refused(await customer.post(`/orders/${order.id}/items`, { productId, quantity: 1 }), 503, 'unavailable')
      await customer.checkOut(order.id)
      assert.equal((await customer.settled(order.id)).status, 'confirmed')
      expecting(200, await customer.get(`/orders/${order.id}/history`))
    })
    expecting(201, await eventuallyOk(() => customer.post('/orders', { items: [{ productId, quantity: 1 }] })))
  })

  test('users: who is signed in goes on in everything; nobody signs in', async () => {
    const { customer, clerk, visitor } = scene
    const productId = await product(scene)
    const account = newAccount()
    await without(['users'], async () => {
      await browsing()
      refused(await visitor.post('/users', account), 503, 'unavailable')
      refused(await visitor.post('/sessions', account), 503, 'unavailable')
      const order = await customer.order({ productId, quantity: 1 })
      await customer.checkOut(order.id)
      assert.equal((await customer.settled(order.id)).status, 'confirmed')
      expecting(200, await clerk.put(`/products/${productId}`, details({ name: 'Lamp of another name' })))
    })
    expecting(201, await eventuallyOk(() => visitor.post('/users', account)))
  })

  test('orders: browsing, signing in and notifications go on', async () => {
    const { customer, shop } = scene
    await without(['orders'], async () => {
      await browsing()
      const newcomer = new ShopClient(shop.url)
      await newcomer.register()
      await eventually(async () => ((await newcomer.all('/notifications')).length === 1 ? true : undefined))
      refused(await customer.get('/orders'), 503, 'unavailable')
      refused(await customer.post('/orders', {}), 503, 'unavailable')
    })
    expecting(200, await eventuallyOk(() => customer.get('/orders')))
  })

  test('the broker: requests are accepted, and what follows from them waits in the outbox', async () => {
    const { customer, shop } = scene
    const productId = await product(scene)
    const orders = [await customer.order({ productId, quantity: 1 }), await customer.order({ productId, quantity: 1 })]
    const newcomer = new ShopClient(shop.url)
    await using held = await hold(join(shop.folder, 'platform.db'))
    await browsing()
    await newcomer.register()
    for (const { id } of orders) await customer.checkOut(id)
    expecting(201, await customer.post('/orders', { items: [{ productId, quantity: 1 }] }))
    // Longer than any lease at the registry lasts: who is known stays known.
    for (const end = Date.now() + 2_500; Date.now() < end; await sleep(100)) {
      await browsing()
      assert.equal(expecting(200, await customer.get(`/orders/${orders[0].id}`)).status, 'pending')
    }
    await held[Symbol.asyncDispose]()
    for (const { id } of orders) assert.equal((await customer.settled(id)).status, 'confirmed')
    await eventually(async () => ((await newcomer.all('/notifications')).length === 1 ? true : undefined))
  })

  test('the gateway: what was accepted goes on behind it, and streams are taken up again', async () => {
    const { customer, shop } = scene
    const order = await customer.order({ productId: await product(scene), quantity: 1 })
    await customer.checkOut(order.id, 'pm_slow')
    await without(['gateway'], async () => {
      await assert.rejects(customer.get('/products'))
    })
    assert.equal((await customer.settled(order.id)).status, 'confirmed')
    assert(shop.restarts('gateway') >= 1)
  })

  test('after all of it the invariants hold', async () => {
    const findings = await settle(scene.shop.folder, undefined, 30_000)
    assert(allHold(findings), `\n${invariantsTable(findings)}`)
  })
})

/** What each part answers, to see whether it is there. */
const PROBES = {
  users: '/.well-known/jwks.json',
  catalog: '/products',
  inventory: '/stock/p-001',
  payments: '/payments/nothing',
  orders: '/orders',
  notifications: '/notifications',
  analytics: '/analytics/daily?from=2026-01-01&to=2026-01-31',
  gateway: '/products',
} as const

/** Asks again while a part comes back. */
function eventuallyOk(ask: () => ReturnType<ShopClient['get']>): ReturnType<ShopClient['get']> {
  return eventually(async () => {
    const answer = await ask().catch(() => undefined) // no connection: the gateway itself is not back yet
    return answer?.status === 503 ? undefined : answer
  }, 20_000)
}

/** Holds a database for another process until disposed of. */
async function hold(file: string): Promise<AsyncDisposable> {
  const holder = fork(join(import.meta.dirname, 'testing', 'hold-database.test-process.ts'), [file])
  const gone = once(holder, 'exit')
  await once(holder, 'message')
  return {
    async [Symbol.asyncDispose]() {
      if (holder.connected) holder.disconnect()
      await gone
    },
  }
}
