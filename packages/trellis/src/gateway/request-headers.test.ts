import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clientBehind } from './client.ts'
import { RequestHeaders } from './request-headers.ts'

test('nothing that the platform alone may say goes on, wherever it stands and whatever connection names', () => {
  const name = fc.constantFrom(
    ...[
      'trellis-service-token',
      'trellis-client-address',
      'trellis-x',
      'x-forwarded-for',
      'x-forwarded-port',
      'forwarded',
    ],
    ...[
      'proxy-authorization',
      'te',
      'upgrade',
      'host',
      'connection',
      'expect',
      'accept',
      'authorization',
      'x-own',
      'traceparent',
    ],
  )
  const value = fc.constantFrom('1', 'close', 'keep-alive, x-own', 'trellis-x', 'content-length', 'a,b, c')
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 20 }), pairs => {
      const { forwarded } = new RequestHeaders(pairs.flat())
      for (let index = 0; index < forwarded.length; index += 2) {
        assert.match(forwarded[index] as string, /^(accept|authorization|x-own)$/)
      }
    }),
  )
})

test('what a caller says to a service stays as it is, in order', () => {
  const headers = ['accept', 'a', 'x-own', '1', 'x-own', '2', 'content-length', '3', 'idempotency-key', 'k']
  const request = new RequestHeaders(['host', 'shop', ...headers])
  assert.deepEqual(request.forwarded, headers)
  assert.equal(request.hasIdempotencyKey, true)
})

test('an idempotency key that connection names does not go on, and does not count', () => {
  const request = new RequestHeaders(['idempotency-key', 'k', 'connection', 'Idempotency-Key'])
  assert.deepEqual(request.forwarded, [])
  assert.equal(request.hasIdempotencyKey, false)
})

test('the client is who the outermost of one’s own proxies saw', () => {
  const peer = { address: '10.0.0.1' }
  assert.equal(clientBehind(peer, '6.6.6.6', 0), '10.0.0.1')
  assert.equal(clientBehind(peer, undefined, 1), '10.0.0.1')
  assert.equal(clientBehind(peer, '6.6.6.6, 1.2.3.4', 1), '1.2.3.4')
  assert.equal(clientBehind(peer, '6.6.6.6, 1.2.3.4, 10.0.0.2', 2), '1.2.3.4')
  assert.equal(clientBehind(peer, '1.2.3.4', 3), '1.2.3.4')
  assert.equal(clientBehind(peer, 'x, 2001:db8::1', 1), '2001:db8::1')
  assert.equal(clientBehind(peer, '1.2.3.4, unknown', 1), '10.0.0.1')
  assert.equal(clientBehind(peer, 'x'.repeat(100), 1), '10.0.0.1')
})
