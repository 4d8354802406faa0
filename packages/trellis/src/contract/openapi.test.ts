import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { z } from 'zod'
import { own } from './allow.ts'
import { contract } from './contract.ts'
import { serverStream, unary } from './define-operation.ts'
import { fault } from './fault-type.ts'
import { toOpenApi } from './openapi.ts'

const Money = z
  .object({ amount: z.int().min(0), currency: z.string().length(3) })
  .meta({ id: 'Money', description: 'An amount.' })
const Line = z.object({ product: z.string().min(1).max(64), quantity: z.int32().min(1), price: Money })
const Order = z.object({ id: z.string(), lines: z.array(Line), total: Money }).meta({ title: 'Order' })
const Tree = z
  .object({
    name: z.string(),
    get children() {
      return z.array(Tree).optional()
    },
  })
  .meta({ id: 'Tree' })
const Payment = z.discriminatedUnion('kind', [
  z.object({ orderId: z.string(), kind: z.literal('card'), last4: z.string() }),
  z.object({ orderId: z.string(), kind: z.literal('cash'), given: Money }),
])
const OrderId = z.object({ orderId: z.string().min(1).max(64).describe('Which order.') })

const OrderClosed = fault({
  code: 'failed_precondition',
  reason: 'ORDER_CLOSED',
  message: 'The order is closed; open another.',
  details: z.object({ since: z.iso.datetime() }),
})
const NoOrder = fault({ code: 'not_found', reason: 'NO_ORDER', message: 'There is no such order.' })

const Orders = contract(
  'shop.orders.v1.Orders',
  {
    create: unary({
      input: z.object({ lines: z.array(Line), free: z.json().optional(), tree: Tree.optional() }),
      output: Order,
      http: 'POST /orders',
      status: [201, 200],
      idempotent: 'key',
      allow: 'signed-in',
      faults: { OrderClosed },
    }),
    get: unary({
      input: OrderId,
      output: Order,
      http: 'GET /orders/{orderId}',
      allow: own('orders:read'),
      faults: { NoOrder },
      deprecated: 'Use find.',
    }),
    list: unary({
      input: z.object({
        limit: z.int32().min(1).max(100).default(20),
        ids: z.array(z.int()).optional(),
        q: z.string(),
      }),
      output: z.object({ items: z.array(Order) }),
      http: 'GET /orders',
      allow: 'public',
    }),
    pay: unary({ input: Payment, output: z.object({}), http: 'PUT /orders/{orderId}/payment', allow: 'orders:pay' }),
    touch: unary({ input: OrderId, output: Order, http: 'POST /orders/{orderId}/touch', allow: 'signed-in' }),
    watch: serverStream({
      input: OrderId.extend({ after: z.string().optional() }),
      output: z.object({ version: z.int() }),
      http: 'GET /orders/{orderId}/changes',
      allow: 'signed-in',
      sse: { id: 'version', resume: 'after' },
    }),
    inside: unary({ input: OrderId, output: Order, http: 'GET /internal/{orderId}', allow: 'internal' }),
    unrouted: unary({ input: OrderId, output: Order, allow: 'public' }),
  },
  { description: 'Orders of customers.' },
)

// As it is served: without undefined members, and to be walked freely.
// biome-ignore lint/suspicious/noExplicitAny: a JSON document.
const document: any = JSON.parse(
  JSON.stringify(toOpenApi([Orders], { title: 'Shop', version: '1.0.0', basePath: '/api' })),
)
const { paths } = document

describe('the OpenAPI document', () => {
  test('is valid by an independent validator', async () => {
    const result = await new Validator().validate(structuredClone(document))
    assert.deepEqual(result.errors ?? [], [])
    assert.ok(result.valid)
  })

  test('has no reference that leads nowhere', () => {
    for (const [, pointer] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      let target = document
      for (const part of pointer!.split('/')) target = target?.[part]
      assert.ok(target, pointer!)
    }
    assert.doesNotMatch(JSON.stringify(document), /\$defs|\$schema/)
  })

  test('leaves out what has no route or is for other services', () => {
    assert.deepEqual(Object.keys(paths), [
      '/api/orders',
      '/api/orders/{orderId}',
      '/api/orders/{orderId}/payment',
      '/api/orders/{orderId}/touch',
      '/api/orders/{orderId}/changes',
    ])
    assert.deepEqual(document.tags, [{ name: 'Orders', description: 'Orders of customers.' }])
  })

  test('closes requests and opens responses, in components as well', () => {
    const body = paths['/api/orders'].post.requestBody.content['application/json'].schema
    assert.equal(body.additionalProperties, false)
    assert.equal(body.properties.lines.items.additionalProperties, false)
    assert.equal(document.components.schemas.MoneyInput.additionalProperties, false)
    assert.equal(document.components.schemas.Money.additionalProperties, undefined)
    assert.equal(document.components.schemas.Order.additionalProperties, undefined)
    assert.deepEqual(body.properties.tree, { $ref: '#/components/schemas/TreeInput' })
    assert.deepEqual(document.components.schemas.TreeInput.properties.children.items, {
      $ref: '#/components/schemas/TreeInput',
    })
  })

  test('names a schema with an id or a title once and writes the others inline', () => {
    const names = Object.keys(document.components.schemas)
    assert.deepEqual(names, ['Money', 'MoneyInput', 'Order', 'OrdersCreate0Input', 'TreeInput', 'Problem'])
    for (const path of ['/api/orders/{orderId}', '/api/orders']) {
      const { schema } = paths[path].get.responses[200].content['application/json']
      assert.match(JSON.stringify(schema), /#\/components\/schemas\/Order"/)
    }
  })

  test('says that requests may hold 64-bit integers as text', () => {
    const { amount } = document.components.schemas.MoneyInput.properties
    assert.deepEqual(amount.type, ['integer', 'string'])
    assert.match('900', new RegExp(amount.pattern))
    assert.doesNotMatch('-1', new RegExp(amount.pattern))
    assert.equal(document.components.schemas.Money.properties.amount.type, 'integer')
    const line = paths['/api/orders'].post.requestBody.content['application/json'].schema.properties.lines.items
    assert.equal(line.properties.quantity.type, 'integer')
  })

  test('puts parameters where they travel', () => {
    const { parameters } = paths['/api/orders'].get
    assert.deepEqual(
      parameters.map((one: { name: string; in: string; required?: boolean }) => [
        one.name,
        one.in,
        one.required ?? false,
      ]),
      [
        ['limit', 'query', false],
        ['ids', 'query', false],
        ['q', 'query', true],
      ],
    )
    assert.equal(parameters[0].schema.default, 20)
    assert.equal(parameters[1].schema.items.type, 'integer')
    assert.deepEqual(paths['/api/orders/{orderId}'].get.parameters, [
      {
        name: 'orderId',
        in: 'path',
        required: true,
        description: 'Which order.',
        schema: { type: 'string', minLength: 1, maxLength: 64 },
      },
    ])
    const headers = (operation: { parameters: { in: string; name: string }[] }) =>
      operation.parameters.filter(one => one.in === 'header').map(one => one.name)
    assert.deepEqual(headers(paths['/api/orders'].post), ['idempotency-key'])
    assert.deepEqual(headers(paths['/api/orders/{orderId}/changes'].get), ['last-event-id'])
  })

  test('leaves what is in the path out of the body, in each variant of a union', () => {
    const { schema } = paths['/api/orders/{orderId}/payment'].put.requestBody.content['application/json']
    for (const variant of schema.oneOf) {
      assert.equal(variant.properties.orderId, undefined)
      assert.equal(variant.required.includes('orderId'), false)
      assert.equal(variant.additionalProperties, false)
    }
    assert.equal(paths['/api/orders/{orderId}/touch'].post.requestBody, undefined)
  })

  test('splits the example of an input as the input is split', () => {
    const input = z
      .object({ shelf: z.string(), name: z.string() })
      .meta({ id: 'Thing', examples: [{ shelf: 's-1', name: 'lamp' }] })
    const Things = contract('a.b.v1.Things', {
      put: unary({ input, output: z.object({}), http: 'PUT /shelves/{shelf}', allow: 'public' }),
      add: unary({ input, output: z.object({}), http: 'POST /things', allow: 'public' }),
    })
    // biome-ignore lint/suspicious/noExplicitAny: a JSON document.
    const { paths, components }: any = toOpenApi([Things], { title: 'x', version: '1' })
    const { parameters, requestBody } = paths['/shelves/{shelf}'].put
    assert.equal(parameters[0].example, 's-1')
    assert.deepEqual(requestBody.content['application/json'].schema.examples, [{ name: 'lamp' }])
    assert.deepEqual(components.schemas.ThingInput.examples, [{ shelf: 's-1', name: 'lamp' }])
  })

  test('promises every status that can happen', () => {
    const statuses = (operation: { responses: object }) => Object.keys(operation.responses).map(Number)
    const always = [400, 401, 429, 500, 503, 504]
    const expected = (...more: number[]) => [...always, ...more].sort((a, b) => a - b)
    assert.deepEqual(statuses(paths['/api/orders'].post), expected(200, 201, 409, 413, 415, 422))
    assert.deepEqual(statuses(paths['/api/orders'].get), expected(200))
    assert.deepEqual(statuses(paths['/api/orders/{orderId}'].get), expected(200, 403, 404))
    assert.deepEqual(statuses(paths['/api/orders/{orderId}/payment'].put), expected(204, 403, 404, 409, 413, 415))
    assert.deepEqual(statuses(paths['/api/orders/{orderId}/changes'].get), expected(200, 204, 404))
  })

  test('documents declared faults under their status with their details', () => {
    const conflict = paths['/api/orders'].post.responses[409]
    assert.match(conflict.description, /`ORDER_CLOSED`: The order is closed/)
    const [exact, any] = conflict.content['application/problem+json'].schema.anyOf
    assert.equal(exact.title, 'ORDER_CLOSED')
    assert.equal(exact.allOf[1].properties.details.properties.since.format, 'date-time')
    assert.deepEqual(any, { $ref: '#/components/schemas/Problem' })
  })

  test('asks for a token unless everyone may', () => {
    assert.deepEqual(paths['/api/orders'].get.security, [])
    assert.deepEqual(paths['/api/orders'].post.security, [{ bearer: [] }])
    assert.match(paths['/api/orders/{orderId}/payment'].put.description, /`orders:pay`/)
  })

  test('marks what is deprecated and offers streams as SSE and NDJSON', () => {
    assert.equal(paths['/api/orders/{orderId}'].get.deprecated, true)
    assert.match(paths['/api/orders/{orderId}'].get.description, /Use find/)
    assert.deepEqual(Object.keys(paths['/api/orders/{orderId}/changes'].get.responses[200].content), [
      'text/event-stream',
      'application/x-ndjson',
    ])
  })

  test('tells contracts of one short name apart, and refuses one route twice', () => {
    const Other = contract('store.orders.v2.Orders', {
      find: unary({ input: OrderId, output: Order, http: 'GET /v2/orders/{orderId}', allow: 'public' }),
    })
    const both = toOpenApi([Orders, Other], { title: 'Both', version: '1' })
    assert.deepEqual(
      both.tags.map(({ name }) => name),
      ['shop.orders.v1.Orders', 'store.orders.v2.Orders'],
    )
    const Again = contract('store.orders.v1.Again', {
      list: unary({ input: z.object({}), output: Order, http: 'GET /orders', allow: 'public' }),
    })
    assert.throws(
      () => toOpenApi([Orders, Again], { title: 'x', version: '1' }),
      /another operation has the route GET \/orders/,
    )
  })

  test('keeps two schemas of one title apart', () => {
    const Mine = contract('a.b.v1.Mine', {
      one: unary({
        input: z.object({}),
        output: z.object({ a: z.int32() }).meta({ title: 'Thing' }),
        http: 'GET /one',
        allow: 'public',
      }),
      two: unary({
        input: z.object({}),
        output: z.object({ b: z.int32() }).meta({ title: 'Thing' }),
        http: 'GET /two',
        allow: 'public',
      }),
    })
    const text = JSON.stringify(toOpenApi([Mine], { title: 'x', version: '1' }).paths['/two'])
    assert.match(text, /"b":\{"type":"integer"/)
  })
})
