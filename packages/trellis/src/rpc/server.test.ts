import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { contract, unary } from '../contract/index.ts'
import type { Context, Handler, Middleware } from '../kernel/index.ts'
import { CallContext, Fault, isFault } from '../kernel/index.ts'
import { createVirtualRuntime } from '../testing/index.ts'
import { implement } from './implement.ts'
import { Refusal } from './rpc.ts'
import { createRpcServer, serveUnary } from './server.ts'

const Word = z.object({ word: z.string() })
const Words = contract('kit.words.v1.Words', { say: unary({ input: Word, output: Word, allow: 'signed-in' }) })
const Keyed = contract('kit.words.v1.Keyed', {
  add: unary({ input: Word, output: Word, http: 'POST /words/{word}', idempotent: 'key', allow: 'public' }),
})
const open: Middleware = next => next
const say = implement(Words, { say: async input => input })

describe('implement', () => {
  test('refuses an operation without a function', () => {
    assert.throws(() => implement(Words, {} as never), /kit\.words\.v1\.Words: 'say' has no function/)
  })

  test('refuses a function without an operation', () => {
    const handlers = { say: async (input: { word: string }) => input, shout: () => undefined }
    assert.throws(() => implement(Words, handlers), /has no operation 'shout'; it has say/)
  })
})

describe('a server', () => {
  test('is not made without authorisation', () => {
    assert.throws(() => createRpcServer({ implementations: [say] } as never), /needs authorize/)
  })

  test('is not made with one contract twice', () => {
    assert.throws(() => createRpcServer({ authorize: open, implementations: [say, say] }), /implemented twice/)
  })

  test('is not made with operations that are idempotent by key, and nothing that keeps keys', () => {
    const implementations = [implement(Keyed, { add: async input => input })]
    assert.throws(() => createRpcServer({ authorize: open, implementations }), /Keyed\/add is idempotent by key/)
  })

  test('hands operations that are idempotent by key to the keys, with what the path names', async () => {
    const things: unknown[] = []
    const wrap = <I, O>(next: Handler<I, O>, _target: unknown, path: (input: I) => string): Handler<I, O> => {
      return (input, ctx) => {
        things.push(path(input))
        return next(input, ctx)
      }
    }
    const server = createRpcServer({
      authorize: open,
      idempotency: { wrap },
      implementations: [implement(Keyed, { add: async input => input })],
    })
    await server.methods[0]?.invoke({ word: 'a' }, new CallContext(createVirtualRuntime({ seed: 1 })))
    assert.deepEqual(things, ['["a"]'])
  })

  test('runs middleware, then authorisation, then validation, then what stands around the implementation', async () => {
    const order: string[] = []
    const mark =
      (name: string): Middleware =>
      <I, O>(next: Handler<I, O>): Handler<I, O> =>
      (input, ctx) => {
        order.push(`${name} ${JSON.stringify(input)}`)
        return next(input, ctx)
      }
    const server = createRpcServer({
      middleware: [mark('outer'), mark('second')],
      authorize: mark('authorize'),
      inner: [mark('inner')],
      implementations: [say],
    })
    const ctx = (): CallContext => new CallContext(createVirtualRuntime({ seed: 1 }))
    await server.methods[0]?.invoke({ word: 'a' }, ctx())
    assert.deepEqual(order, [
      'outer {"word":"a"}',
      'second {"word":"a"}',
      'authorize {"word":"a"}',
      'inner {"word":"a"}',
    ])
    order.length = 0
    await assert.rejects(server.methods[0]!.invoke({ word: 1 }, ctx()), error => isFault(error, 'INVALID_INPUT'))
    assert.deepEqual(order, ['outer {"word":1}', 'second {"word":1}', 'authorize {"word":1}'])
  })

  test('shows middleware a call that the transport refused, and nothing else', async () => {
    const seen: string[] = []
    const mark =
      (name: string): Middleware =>
      <I, O>(next: Handler<I, O>): Handler<I, O> =>
      (input, ctx) => {
        seen.push(name)
        return next(input, ctx)
      }
    const server = createRpcServer({
      middleware: [mark('outer')],
      authorize: mark('authorize'),
      implementations: [say],
    })
    const refused = new Fault('invalid_argument', 'Broken.', { reason: 'INVALID_JSON' })
    const ctx = new CallContext(createVirtualRuntime({ seed: 1 }))
    await assert.rejects(server.methods[0]!.invoke(new Refusal(refused), ctx), error => error === refused)
    assert.deepEqual(seen, ['outer'])
  })

  test('tells authorisation who may call', () => {
    let allow: unknown
    createRpcServer({
      authorize: (next, target) => {
        allow = target.allow
        return next
      },
      implementations: [say],
    })
    assert.deepEqual(allow, { kind: 'signed-in' })
  })

  test('gives implementations the context that it is told to make', async () => {
    interface Named extends Context {
      readonly service: string
    }
    let seen: string | undefined
    const named = implement<typeof Words, Named>(Words, {
      async say(input, ctx) {
        seen = ctx.service
        return input
      },
    })
    const server = createRpcServer<Named>({
      authorize: open,
      context: ctx => Object.assign(Object.create(ctx) as Context, { service: 'words' }),
      implementations: [named],
    })
    await server.methods[0]?.invoke({ word: 'a' }, new CallContext(createVirtualRuntime({ seed: 1 })))
    assert.equal(seen, 'words')
  })

  test('settles the context of a call with its outcome', async () => {
    const server = createRpcServer({ authorize: open, implementations: [say] })
    const ctx = new CallContext(createVirtualRuntime({ seed: 1 }))
    const outcomes: boolean[] = []
    ctx.onSettled(({ ok }) => outcomes.push(ok))
    await assert.rejects(serveUnary(server.methods[0]!, {}, ctx))
    assert.deepEqual(outcomes, [false])
  })
})
