import assert from 'node:assert/strict'
import { test } from 'node:test'
import { header } from '../wire/exchange.ts'
import { securityHeaders } from './security-headers.ts'

test('without options nothing may load or frame, and nothing is said about TLS', () => {
  const headers = securityHeaders()
  assert.equal(header(headers, 'content-security-policy'), "default-src 'none'; frame-ancestors 'none'")
  assert.equal(header(headers, 'x-content-type-options'), 'nosniff')
  assert.equal(header(headers, 'x-frame-options'), 'DENY')
  assert.equal(header(headers, 'referrer-policy'), 'strict-origin-when-cross-origin')
  assert.equal(header(headers, 'strict-transport-security'), undefined)
})

test('a policy of one\u2019s own stays as it is when it speaks of frames', () => {
  const headers = securityHeaders({ csp: "default-src 'self'; frame-ancestors https://shop.example" })
  assert.equal(header(headers, 'content-security-policy'), "default-src 'self'; frame-ancestors https://shop.example")
  assert.equal(header(headers, 'x-frame-options'), undefined)
})

test('over TLS browsers are told to stay there', () => {
  assert.equal(
    header(securityHeaders({ tls: true, hstsMaxAgeS: 60 }), 'strict-transport-security'),
    'max-age=60; includeSubDomains',
  )
})

test('a policy that would break the header is refused', () => {
  assert.throws(() => securityHeaders({ csp: "default-src 'self'\r\nset-cookie: a=b" }), TypeError)
  assert.throws(() => securityHeaders({ csp: 'x', hstsMaxAgeS: -1 }), RangeError)
})
