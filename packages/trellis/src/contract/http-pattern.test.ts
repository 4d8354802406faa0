import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHttpPattern } from './http-pattern.ts'

test('takes a pattern apart', () => {
  assert.deepEqual(parseHttpPattern('POST /orders/{orderId}/items'), {
    method: 'POST',
    path: '/orders/{orderId}/items',
    segments: [
      { kind: 'literal', text: 'orders' },
      { kind: 'parameter', name: 'orderId' },
      { kind: 'literal', text: 'items' },
    ],
    parameters: ['orderId'],
    hasBody: true,
  })
  assert.deepEqual(parseHttpPattern('GET /').segments, [])
  assert.equal(parseHttpPattern('DELETE /.well-known/jwks.json').hasBody, false)
})

for (const pattern of [
  '',
  'GET',
  '/orders',
  'get /orders',
  'HEAD /orders',
  'GET orders',
  'GET  /orders',
  'GET //orders',
  'GET /orders/',
  'GET /orders?q',
  'GET /orders#a',
  'GET /a b',
  'GET /a%20b',
  'GET /./a',
  'GET /a/..',
  'GET /{}',
  'GET /{1a}',
  'GET /{a}{b}',
  'GET /x{a}',
  'GET /{a}/{a}',
  'GET /{a-b}',
  'GET /é',
]) {
  test(`refuses '${pattern}'`, () => assert.throws(() => parseHttpPattern(pattern), TypeError))
}
