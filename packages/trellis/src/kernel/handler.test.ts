import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVirtualRuntime } from '../testing/index.ts'
import { CallContext } from './context.ts'
import { chain, type Handler, type Middleware, type Target } from './handler.ts'

const target: Target = { kind: 'client', name: 'shop.users.v1.Users', operation: 'get' }
const ctx = new CallContext(createVirtualRuntime({ seed: 1 }))

function recording(name: string, log: string[]): Middleware {
  return (next, wrapped) => {
    log.push(`wrap ${name} ${wrapped.operation}`)
    return async (input, context) => {
      log.push(`> ${name}`)
      const output = await next(input, context)
      log.push(`< ${name}`)
      return output
    }
  }
}

test('the first middleware is the outermost', async () => {
  const log: string[] = []
  const handler = chain(recording('a', log), recording('b', log))(async (input: number) => input + 1, target)
  log.length = 0
  assert.equal(await handler(1, ctx), 2)
  assert.deepEqual(log, ['> a', '> b', '< b', '< a'])
})

test('middleware is applied once per target, not per call', async () => {
  const log: string[] = []
  const handler = chain(recording('a', log))(async () => undefined, target)
  await handler(undefined, ctx)
  await handler(undefined, ctx)
  assert.equal(log.filter(line => line === 'wrap a get').length, 1)
})

test('an empty chain is the handler itself', () => {
  const handler: Handler<number, number> = async input => input
  assert.equal(chain()(handler, target), handler)
})

test('chains nest', async () => {
  const log: string[] = []
  const inner = chain(recording('b', log), recording('c', log))
  await chain(recording('a', log), inner)(async () => undefined, target)(undefined, ctx)
  assert.deepEqual(log.slice(3), ['> a', '> b', '> c', '< c', '< b', '< a'])
})

test('a middleware may answer, fail or change the context without the handler', async () => {
  const refuse: Middleware = () => () => Promise.reject(new Error('refused'))
  const handler = chain(refuse)(async () => assert.fail('it was refused'), target)
  await assert.rejects(handler(undefined, ctx), /refused/)
  const shorten: Middleware = next => (input, context) => next(input, context.child({ timeoutMs: 10 }))
  const deadlineOf = chain(shorten)(async (_input: undefined, context) => context.deadline, target)
  assert.equal(await deadlineOf(undefined, ctx), 10)
})
