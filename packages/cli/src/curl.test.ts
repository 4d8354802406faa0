import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contract, unary } from 'trellis/contract'
import { expose } from 'trellis/gateway'
import { z } from 'zod'
import { curlLine, linesToTry } from './curl.ts'

const output = z.object({ text: z.string() })
const Things = contract('test.v1.Things', {
  keys: unary({ input: z.object({}), output, http: 'GET /.well-known/keys.json', allow: 'public' }),
  get: unary({ input: z.object({ id: z.string() }), output, http: 'GET /things/{id}', allow: 'public' }),
  list: unary({ input: z.object({ q: z.string().optional() }), output, http: 'GET /things', allow: 'public' }),
  secret: unary({ input: z.object({}), output, http: 'GET /secrets', allow: 'signed-in' }),
  put: unary({
    input: z.object({ id: z.string(), name: z.string() }).meta({ examples: [{ id: 'a b', name: "Ada's" }] }),
    output,
    http: 'PUT /things/{id}',
    allow: 'public',
  }),
})

test('shows a read that answers with something, a write, and the description; nothing that needs an account', () => {
  assert.deepEqual(linesToTry({ routes: [expose(Things)] }, 'http://127.0.0.1:8080'), [
    'curl http://127.0.0.1:8080/api/things',
    `curl -X PUT http://127.0.0.1:8080/api/things/a%20b -H 'content-type: application/json' -d '{"name":"Ada'\\''s"}'`,
    'curl http://127.0.0.1:8080/api/openapi.json',
  ])
})

test('an input without an example is a plausible one', () => {
  assert.equal(curlLine('http://x', Things.operations.get), 'curl http://x/things/text')
})

test('an example is found under the name of its schema', () => {
  const input = z.object({ name: z.string() }).meta({ id: 'NamedThing', examples: [{ name: 'lamp' }] })
  const { operations } = contract('test.v1.Named', {
    find: unary({ input, output, http: 'GET /named/{name}', allow: 'public' }),
  })
  assert.equal(curlLine('http://x', operations.find), 'curl http://x/named/lamp')
})

test('a system without a description is not asked for one', () => {
  assert.deepEqual(linesToTry({ routes: [expose(Things, { only: ['secret'] })], docs: false }, 'http://x'), [])
})
