import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import type { InputOf, OperationFunction, OutputOf } from './contract.ts'
import { contract, methodName, operationPath } from './contract.ts'
import { bidiStream, clientStream, serverStream, unary } from './define-operation.ts'
import { event, message } from './event.ts'

const Id = z.object({ id: z.string() })
const Thing = z.object({ id: z.string(), size: z.int() })
const get = unary({ input: Id, output: Thing, http: 'GET /things/{id}', allow: 'public' })

describe('a contract', () => {
  test('is provided by the service that its package names', () => {
    assert.equal(contract('shop.orders.v1.Orders', { get }).service, 'orders')
    assert.equal(contract('shop.v2beta1.Orders', { get }).service, 'shop')
    assert.equal(contract('shop.order_desk.v1.Orders', { get }).service, 'order-desk')
    assert.equal(contract('shop.orders.v1.Orders', { get }, { service: 'desk' }).service, 'desk')
  })

  test('is inert', () => {
    const Things = contract('shop.things.v1.Things', { get })
    assert.ok(Object.isFrozen(Things) && Object.isFrozen(Things.operations) && Object.isFrozen(Things.operations.get))
  })

  for (const name of [
    'Orders',
    'shop.Orders',
    'shop.orders.Orders',
    'shop.orders.v0.Orders',
    'shop.orders.v1.orders',
    'v1.Orders',
    '',
  ]) {
    test(`is refused under the name '${name}'`, () => assert.throws(() => contract(name, {}), TypeError))
  }

  for (const name of ['Get', 'then', 'constructor', 'toString', '__proto__', 'get-one', '']) {
    test(`refuses an operation called '${name}'`, () => {
      const operations = Object.fromEntries([[name, get]])
      assert.throws(() => contract('shop.things.v1.Things', operations), /camelCase/)
    })
  }

  test('refuses two operations with one route, whatever their parameters are called', () => {
    const Key = z.object({ key: z.string() })
    const again = unary({ input: Key, output: Thing, http: 'GET /things/{key}', allow: 'public' })
    assert.throws(() => contract('shop.things.v1.Things', { get, again }), /'get' and 'again' have the same route/)
  })

  test('refuses a service name that is none', () => {
    assert.throws(() => contract('shop.things.v1.Things', { get }, { service: 'Not One' }), /kebab-case/)
  })

  test('has protobuf names and paths', () => {
    assert.equal(methodName('addItem'), 'AddItem')
    assert.equal(operationPath(contract('shop.things.v1.Things', { get }), 'get'), '/shop.things.v1.Things/Get')
  })

  test('types its operations as functions', () => {
    const watch = serverStream({ input: Id, output: Thing, allow: 'public' })
    const upload = clientStream({ input: Thing, output: Id, allow: 'public' })
    const talk = bidiStream({ input: Thing, output: Id, allow: 'public' })
    type Expect<A, B extends A> = B
    type _Get = Expect<
      (input: { id: string }) => Promise<{ id: string; size: number }>,
      OperationFunction<typeof get, []>
    >
    type _Watch = Expect<
      (input: { id: string }) => AsyncIterable<{ size: number }>,
      OperationFunction<typeof watch, []>
    >
    type _Upload = Expect<
      (input: AsyncIterable<OutputOf<typeof get>>) => Promise<{ id: string }>,
      OperationFunction<typeof upload, []>
    >
    type _Talk = Expect<
      (input: AsyncIterable<InputOf<typeof upload>>) => AsyncIterable<{ id: string }>,
      OperationFunction<typeof talk, []>
    >
    // @ts-expect-error: an input without its members is none
    const wrong: InputOf<typeof get> = {}
    assert.ok(wrong)
    assert.deepEqual([watch.kind, upload.kind, talk.kind], ['server-stream', 'client-stream', 'bidi-stream'])
  })
})

describe('an event or a message', () => {
  test('has a name that ends with its major version', () => {
    assert.equal(event('shop.orders.order-created.v1', Id).external, false)
    assert.equal(message('shop.mail.send.v12', Id).kind, 'message')
    for (const name of [
      'order-created.v1',
      'shop.orders.OrderCreated.v1',
      'shop.orders.created',
      'shop.orders.created.v0',
    ]) {
      assert.throws(() => event(name, Id), /major version/)
    }
  })

  test('carries an object that older readers can read', () => {
    assert.throws(() => event('shop.orders.counted.v1', z.int()), /must be an object/)
    assert.throws(() => event('shop.orders.made.v1', z.object({ a: z.array(z.strictObject({})) })), /'a\[\]' is strict/)
    assert.throws(() => message('shop.orders.made.v1', z.object({ at: z.date() })), /shop\.orders\.made\.v1.*'at'/)
  })
})
