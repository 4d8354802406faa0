import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expecting } from '../shop-client.ts'
import { eventually, product, refused, type Scene } from './at-the-shop.ts'

/** What the gateway shows, and what it hides. */
export function door(at: () => Scene): void {
  test('one OpenAPI document describes every operation, and is valid', async () => {
    const document = expecting(200, await at().visitor.get('/openapi.json'))
    const { valid, errors } = await new Validator().validate(structuredClone(document))
    assert(valid, JSON.stringify(errors))
    const routes = Object.entries(document.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter(method => /^(get|put|post|patch|delete)$/.test(method))
        .map(method => `${method.toUpperCase()} ${path.replace(/^\/api/, '')}`),
    )
    assert.deepEqual(routes.sort(), ROUTES.toSorted())
  })

  test('the API has a page to read, the shop a front, each under a strict policy', async () => {
    const { url } = at().shop
    for (const path of ['/docs', '/']) {
      const response = await fetch(`${url}${path}`)
      assert.equal(response.status, 200, path)
      assert.match(response.headers.get('content-type') ?? '', /^text\/html/)
      const policy = response.headers.get('content-security-policy') ?? ''
      assert(policy !== '' && !policy.includes('unsafe-inline') && !policy.includes('*'), policy)
      await response.text()
    }
  })

  test('what is not exposed is not there', async () => {
    const { url } = at().shop
    const paths = ['/metrics', '/readyz', '/livez', '/shop.users.v1.Users/get', '/shop.inventory.v1.Inventory/reserve']
    const bearer = { authorization: `Bearer ${at().admin.token}` }
    for (const path of [
      ...paths,
      ...paths.map(path => `/api${path}`),
      '/api/../metrics',
      '/api/%2e%2e/metrics',
      '/api//products',
    ])
      for (const method of ['GET', 'POST']) {
        const headers = { ...bearer, 'content-type': 'application/json' }
        const response = await fetch(`${url}${path}`, { method, headers, ...(method === 'POST' ? { body: '{}' } : {}) })
        const text = await response.text()
        assert([400, 404, 405].includes(response.status), `${method} ${path}: ${response.status} ${text}`)
      }
  })

  test('a route that exists refuses other methods, and says which it takes', async () => {
    const answer = await at().visitor.delete('/products')
    refused(answer, 405, 'unimplemented', 'METHOD_NOT_ALLOWED')
    assert.match(answer.headers.get('allow') ?? '', /GET/)
  })

  test('a caller can not pass for a service', async () => {
    const headers = {
      'trellis-service-token': 'made-up',
      'x-forwarded-for': '10.0.0.1',
      'trellis-client-address': '10.0.0.1',
    }
    refused(await at().visitor.get('/users/me', { headers }), 401, 'unauthenticated')
  })

  test('one checkout is one trace through all services', async () => {
    const { customer, shop } = at()
    const traceId = randomBytes(16).toString('hex')
    const order = await customer.order({ productId: await product(at()), quantity: 1 })
    const headers = { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` }
    expecting(202, await customer.post(`/orders/${order.id}/checkout`, { paymentMethod: 'pm_ok' }, { headers }))
    await customer.settled(order.id)
    const wanted = [
      'shop.orders.v1.Orders/checkout',
      'shop.orders.order-step.v1',
      'shop.inventory.v1.Inventory/reserve',
      'shop.payments.v1.Payments/capture',
      'shop.inventory.v1.Inventory/commit',
      'shop.notifications.send-notification.v1',
      'shop.orders.order-confirmed.v1',
    ]
    // Spans come to the files when they have ended, each process in its own time.
    let found = ''
    const whole = eventually(async () => {
      const spans = (await spansOf(shop.folder)).filter(span => span.traceId === traceId)
      const ids = new Set(spans.map(span => span.spanId))
      const roots = spans.filter(span => span.parentSpanId === undefined || !ids.has(span.parentSpanId))
      const missing = wanted.filter(name => !spans.some(span => span.name.startsWith(name)))
      found = `roots ${roots.map(({ name }) => name)}; missing ${missing}; ${spans.length} spans, ${ids.size} ids`
      const [root] = roots
      return missing.length === 0 && roots.length === 1 && ids.size === spans.length ? root?.name : undefined
    })
    assert.equal(await whole.catch(() => found), 'shop.orders.v1.Orders/checkout')
  })
}

interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
}

async function spansOf(folder: string): Promise<Span[]> {
  const logs = join(folder, 'log')
  const files = (await readdir(logs)).filter(name => name.endsWith('.spans'))
  const texts = await Promise.all(files.map(name => readFile(join(logs, name), 'utf8')))
  return texts.flatMap(text =>
    text
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line)),
  )
}

/** Every route of the shop. */
const ROUTES = [
  'POST /users',
  'POST /sessions',
  'GET /users/me',
  'PATCH /users/me',
  'GET /users',
  'GET /.well-known/jwks.json',
  'GET /products',
  'GET /products/{productId}',
  'PUT /products/{productId}',
  'GET /stock/{productId}',
  'POST /stock/{productId}/adjustments',
  'POST /orders',
  'GET /orders/{orderId}',
  'GET /orders',
  'POST /orders/{orderId}/items',
  'DELETE /orders/{orderId}/items/{productId}',
  'POST /orders/{orderId}/checkout',
  'POST /orders/{orderId}/cancel',
  'GET /orders/{orderId}/changes',
  'GET /orders/{orderId}/history',
  'GET /payments/{orderId}',
  'GET /notifications',
  'GET /notifications/stream',
  'GET /analytics/daily',
]
