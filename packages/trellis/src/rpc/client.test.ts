import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { contract, serverStream, unary } from '../contract/index.ts'
import type { Context, Handler } from '../kernel/index.ts'
import { CallContext, Fault, isFault, remainingMs } from '../kernel/index.ts'
import { idempotencyKey, retry } from '../resilience/index.ts'
import { createVirtualRuntime } from '../testing/index.ts'
import { bindClient, createClient } from './client.ts'
import type { Method, Transport } from './rpc.ts'

const Word = z.object({ word: z.string() })
const Words = contract('kit.words.v1.Words', {
  say: unary({ input: Word, output: Word, allow: 'public' }),
  add: unary({ input: Word, output: Word, idempotent: 'key', allow: 'public' }),
  slow: unary({ input: Word, output: Word, timeoutMs: 30_000, allow: 'public' }),
  list: serverStream({ input: Word, output: Word, readonly: true, allow: 'public' }),
})

const runtime = createVirtualRuntime({ seed: 1 })

/** A transport that does what it is told, and notes the contexts of its calls. */
function transport(answer: (input: unknown, ctx: Context, method: Method) => Promise<unknown>): {
  readonly made: string[]
  readonly contexts: Context[]
  readonly transport: Transport
} {
  const made: string[] = []
  const contexts: Context[] = []
  return {
    made,
    contexts,
    transport: {
      handler(method) {
        made.push(method.name)
        return (input, ctx) => {
          contexts.push(ctx)
          return answer(input, ctx, method)
        }
      },
    },
  }
}

const echo = async (input: unknown): Promise<unknown> => input

describe('a client', () => {
  test('has its handlers made once, not per call or context', async () => {
    const { transport: own, made } = transport(echo)
    const client = createClient(runtime, Words, { transport: own })
    await client.say({ word: 'a' })
    await bindClient(client, new CallContext(runtime)).say({ word: 'b' })
    assert.deepEqual(made, ['say', 'add', 'slow', 'list'])
  })

  test('waits 5 s, or as long as the operation or the caller says', async () => {
    const { transport: own, contexts } = transport(echo)
    const client = createClient(runtime, Words, { transport: own })
    await client.say({ word: '' })
    await client.slow({ word: '' })
    await client.slow({ word: '' }, { timeoutMs: 70 })
    await bindClient(client, new CallContext(runtime, { timeoutMs: 40 })).slow({ word: '' })
    assert.deepEqual(
      contexts.map(ctx => remainingMs(ctx)),
      [5_000, 30_000, 70, 40],
    )
  })

  test('bound to a context passes its identity, trace and baggage on', async () => {
    const { transport: own, contexts } = transport(echo)
    const parent = new CallContext(runtime, { baggage: { tenant: 't' } })
    await bindClient(createClient(runtime, Words, { transport: own }), parent).say({ word: '' })
    assert.equal(contexts[0]?.trace.traceId, parent.trace.traceId)
    assert.equal(contexts[0]?.baggage.tenant, 't')
  })

  test('makes one idempotency key per call, which its retries share', async () => {
    const keys: unknown[] = []
    const { transport: own } = transport(async (input, ctx) => {
      keys.push(ctx.get(idempotencyKey))
      if (keys.length < 3) throw new Fault('unavailable', 'Down.')
      return input
    })
    const client = createClient(runtime, Words, { transport: own, middleware: [retry()] })
    await runtime.run(client.add({ word: '' }))
    await runtime.run(client.add({ word: '' }))
    assert.equal(keys.length, 4)
    assert.equal(new Set(keys.slice(0, 3)).size, 1)
    assert.equal(typeof keys[0], 'string')
    assert.notEqual(keys[3], keys[0])
  })

  test('runs its middleware around the call, the first outermost', async () => {
    const { transport: own } = transport(echo)
    const order: string[] = []
    const mark =
      (name: string) =>
      <I, O>(next: Handler<I, O>): Handler<I, O> =>
      async (input, ctx) => {
        order.push(`+${name}`)
        const output = await next(input, ctx)
        order.push(`-${name}`)
        return output
      }
    const client = createClient(runtime, Words, { transport: own, middleware: [mark('a'), mark('b')] })
    await client.say({ word: '' })
    assert.deepEqual(order, ['+a', '+b', '-b', '-a'])
  })

  test('rejects with a fault, whatever was thrown', async () => {
    const { transport: own } = transport(() => Promise.reject(new Error('bug')))
    const client = createClient(runtime, Words, { transport: own })
    await assert.rejects(client.say({ word: '' }), error => isFault(error, 'INTERNAL'))
  })

  test('settles the context of each call', async () => {
    const { transport: own, contexts } = transport(async (_input, _ctx, { name }) => {
      if (name !== 'list') return { word: '' }
      return (async function* () {
        yield { word: '1' }
        yield { word: '2' }
      })()
    })
    const client = createClient(runtime, Words, { transport: own })
    await client.say({ word: '' })
    for await (const { word } of client.list({ word: '' })) if (word === '1') break
    const outcomes: unknown[] = []
    for (const ctx of contexts) ctx.onSettled(outcome => outcomes.push(outcome.ok))
    assert.deepEqual(outcomes, [true, false])
    assert.ok(isFault(contexts[1]?.cancelled, 'READER_STOPPED'))
  })

  test('does not call for a signal that has already aborted', async () => {
    const { transport: own, contexts } = transport(async (_input, ctx) => {
      if (ctx.cancelled !== undefined) throw ctx.cancelled
    })
    const client = createClient(runtime, Words, { transport: own })
    await assert.rejects(client.say({ word: '' }, { signal: AbortSignal.abort() }), error =>
      isFault(error, 'CALLER_ABORTED'),
    )
    assert.equal(contexts.length, 1)
  })
})
