import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { own } from './allow.ts'
import { clientStream, serverStream, unary } from './define-operation.ts'
import type { OperationOptions } from './operation.ts'

const Id = z.object({ id: z.string() })
const Thing = z.object({ id: z.string(), size: z.int() })
const declare = (options: Partial<OperationOptions<unknown, unknown>>) =>
  unary<unknown, unknown>({ input: Id, output: Thing, allow: 'public', ...options })

describe('an operation', () => {
  test('is readonly and naturally idempotent by its method', () => {
    const kinds = ['GET', 'PUT', 'DELETE', 'POST', 'PATCH'].map(method => {
      const { readonly, idempotent } = declare({ http: `${method} /things/{id}` })
      return [method, readonly, idempotent]
    })
    assert.deepEqual(kinds, [
      ['GET', true, 'natural'],
      ['PUT', false, 'natural'],
      ['DELETE', false, 'natural'],
      ['POST', false, false],
      ['PATCH', false, false],
    ])
    assert.equal(declare({ readonly: true }).idempotent, 'natural')
  })

  test('succeeds with 200, with 204 when there is nothing to say, or as declared', () => {
    assert.equal(declare({}).status, 200)
    assert.equal(declare({ output: z.object({}) }).status, 204)
    assert.deepEqual(declare({ status: [201, 200] }).statuses, [201, 200])
    assert.equal(serverStream({ input: Id, output: z.object({}), allow: 'public' }).status, 200)
    for (const status of [[], 404, [200, 200], 99]) assert.throws(() => declare({ status }), RangeError)
    assert.throws(() => declare({ status: 204 }), /204 has no body/)
  })

  test('says who may call it', () => {
    assert.deepEqual(declare({ allow: 'catalog:write' }).allow, { kind: 'permission', permission: 'catalog:write' })
    assert.deepEqual(declare({ allow: own('orders:read') }).allow, { kind: 'own', permission: 'orders:read' })
    assert.deepEqual(declare({ allow: 'internal' }).allow, { kind: 'internal' })
    for (const allow of ['pubic', '', 'Orders:read', 'orders:', undefined, null]) {
      assert.throws(() => declare({ allow: allow as never }), TypeError)
    }
    assert.throws(() => own('orders'), /not a permission/)
  })

  test('refuses a schema that can not travel, naming the route and the member', () => {
    assert.throws(
      () => declare({ http: 'POST /things', input: z.object({ at: z.date() }) }),
      /input of 'POST \/things': 'at'/,
    )
    assert.throws(() => declare({ output: z.array(z.string()) }), /output.*must be an object/)
    assert.throws(() => declare({ output: z.strictObject({}) }), /is strict/)
    assert.doesNotThrow(() => declare({ input: z.strictObject({ id: z.string() }) }))
  })

  test('refuses a path parameter that the input does not have as a required scalar', () => {
    assert.throws(() => declare({ http: 'GET /things/{name}' }), /no member 'name'/)
    for (const id of [z.string().optional(), z.string().nullable(), z.array(z.string()), z.object({})]) {
      assert.throws(
        () => declare({ http: 'GET /things/{id}', input: z.object({ id }) }),
        /required string, number or boolean/,
      )
    }
  })

  test('refuses what a query can not carry', () => {
    for (const q of [z.object({}), z.record(z.string(), z.string()), z.array(z.object({})), z.unknown()]) {
      assert.throws(() => declare({ http: 'GET /things', input: z.object({ q }) }), /travels in the query/)
    }
    assert.throws(() => declare({ http: 'DELETE /things', input: z.object({ q: z.string().nullable() }) }), /null/)
    assert.doesNotThrow(() => declare({ http: 'GET /things', input: z.object({ q: z.array(z.int()).optional() }) }))
  })

  test('refuses contradictions', () => {
    assert.throws(() => declare({ http: 'GET /things/{id}', readonly: false }), /GET changes nothing/)
    assert.throws(() => declare({ http: 'GET /things/{id}', idempotent: 'key' }), /idempotency key/)
    assert.throws(() => declare({ timeoutMs: 0 }), RangeError)
    assert.throws(() => declare({ timeoutMs: Number.NaN }), RangeError)
    assert.throws(() => declare({ sse: {} }), /only a server stream/)
    assert.throws(() => clientStream({ input: Id, output: Id, http: 'POST /things', allow: 'public' }), /no REST form/)
  })

  test('names members of its stream that are there', () => {
    const stream = (sse: object, input: z.ZodType = Id) => serverStream({ input, output: Thing, allow: 'public', sse })
    assert.doesNotThrow(() => stream({ event: 'id', id: 'size' }))
    assert.throws(() => stream({ event: 'kind' }), /'kind'/)
    assert.throws(() => stream({ id: 'size.of' }), /'size\.of'/)
    assert.throws(() => stream({ resume: 'id' }), /optional/)
    assert.doesNotThrow(() => stream({ resume: 'after' }, z.object({ after: z.string().optional() })))
  })
})
