/**
 * The promises of a transport as tests. Every transport runs this kit, so that a call means the same in one process and across two.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { contract, fault, isRaised, raise, serverStream, unary } from '../../contract/index.ts'
import type { Context, Handler, Identity, Outcome } from '../../kernel/index.ts'
import { attribute, CallContext, Fault, isFault, remainingMs, sleep } from '../../kernel/index.ts'
import { idempotencyKey } from '../../resilience/idempotency-key.ts'
import type { Client, ResponseInfo, RpcServer, Transport } from '../../rpc/index.ts'
import { bindClient, createClient, createRpcServer, implement, respondWith } from '../../rpc/index.ts'
import type { VirtualRuntime } from '../index.ts'
import { createVirtualRuntime } from '../index.ts'
import { int32, list, object, optional, text } from './plain-schema.ts'

/** A transport to a server, and how to take both down. */
export interface TransportUnderTest {
  readonly transport: Transport
  dispose(): Promise<void>
}

/** Who calls in the kit: a transport that carries tokens recognises `ALICE.token`. */
export const ALICE: Identity = {
  kind: 'user',
  subject: 'alice',
  roles: ['customer'],
  permissions: new Set(['things:read']),
  token: 'token-of-alice',
}

const Missing = fault({
  code: 'not_found',
  reason: 'THING_MISSING',
  message: 'There is no such thing; list them first.',
  details: object({ thingId: text }),
})

const Thing = object({
  thingId: text,
  count: int32,
  tags: list(text),
  note: optional(text),
})

const Things = contract('kit.things.v1.Things', {
  get: unary({
    input: object({ thingId: text, limit: optional(int32), tags: optional(list(text)) }),
    output: Thing,
    faults: { Missing },
    http: 'GET /things/{thingId}',
    allow: 'public',
  }),
  put: unary({ input: Thing, output: Thing, http: 'PUT /things/{thingId}', status: [200, 201], allow: 'public' }),
  internal: unary({ input: object({ text: text }), output: object({ text: text }), allow: 'internal' }),
  remove: unary({
    input: object({ thingId: text }),
    output: object({}),
    http: 'DELETE /things/{thingId}',
    status: 204,
    allow: 'public',
  }),
  once: unary({
    input: object({}),
    output: object({ key: optional(text) }),
    http: 'POST /once',
    allow: 'public',
  }),
  count: serverStream({
    input: object({ to: int32 }),
    output: object({ at: int32 }),
    http: 'GET /count/{to}',
    allow: 'public',
  }),
})

type Things = typeof Things

/** What the handlers of one test do and saw. */
interface Scene {
  readonly runtime: VirtualRuntime
  readonly client: Client<Things>
  /** Replaces what `internal` does. */
  act: (text: string, ctx: Context) => Promise<{ text: string }>
  /** Replaces what `count` yields. */
  count: (to: number, ctx: Context) => AsyncIterable<{ at: number }>
  readonly outcomes: Outcome[]
  /** Waits while time passes. */
  run<T>(work: Promise<T>): Promise<T>
}

const SECRET = attribute<string>('secret')

/** Registers the tests of one transport with `node:test`. `open` is called for each test, with a runtime of its own. */
export function transportConformance(
  name: string,
  open: (runtime: VirtualRuntime, server: RpcServer) => Promise<TransportUnderTest>,
): void {
  describe(`${name}: transport`, () => {
    const promise = (title: string, body: (scene: Scene) => Promise<void>): void => {
      test(title, { timeout: 20_000 }, async () => {
        const runtime = createVirtualRuntime({ seed: 1 })
        const scene = { runtime, outcomes: [], act: echo, count: countTo } as unknown as Scene
        const subject = await runtime.run(open(runtime, server(scene)))
        const own: Scene = Object.assign(scene, {
          client: createClient(runtime, Things, { transport: subject.transport }),
          run: <T>(work: Promise<T>) => runtime.run(work),
        })
        try {
          await body(own)
        } finally {
          await runtime.run(subject.dispose())
        }
        // The deadlines of a runtime share one timer, which may run once more after the last of them was taken out.
        await runtime.advance(300_000)
        assert.equal(runtime.pendingTimers, 0, 'a timer was left behind')
      })
    }

    promise('an input reaches its operation and the output comes back', async ({ run, client }) => {
      const thing = await run(client.get({ thingId: 'a/ä ?&=%', limit: -7, tags: ['x y', 'ü&', ''] }))
      assert.deepEqual(thing, { thingId: 'a/ä ?&=%', count: -7, tags: ['x y', 'ü&', ''] })
    })

    promise('an operation without a REST route is reached', async ({ run, client }) => {
      assert.deepEqual(await run(client.internal({ text: 'hello' })), { text: 'hello' })
    })

    promise('an output without members arrives', async ({ run, client }) => {
      assert.deepEqual(await run(client.remove({ thingId: 'a' })), {})
    })

    promise('an unknown member of the input is refused with its path', async ({ run, client }) => {
      const input = { text: 'hello', texd: 'typo' }
      await assert.rejects(run(client.internal(input)), error => {
        assert.ok(isFault(error, 'INVALID_INPUT'))
        assert.equal(error.code, 'invalid_argument')
        assert.match(JSON.stringify(error.details), /texd/)
        return true
      })
    })

    promise('an input of the wrong type is refused with its path', async ({ run, client }) => {
      await assert.rejects(run(client.internal({ text: 5 } as never)), error => {
        assert.ok(isFault(error, 'INVALID_INPUT'))
        assert.match(JSON.stringify(error.details), /"path":"text"/)
        return true
      })
    })

    promise('an output that is not as declared is internal and tells nothing', async scene => {
      scene.act = async () => ({ text: 42 }) as never
      await assert.rejects(scene.run(scene.client.internal({ text: '' })), error => {
        assert.ok(isFault(error, 'INVALID_OUTPUT'))
        assert.equal(error.code, 'internal')
        assert.equal(error.cause, undefined)
        return true
      })
    })

    promise('members that the output does not declare are left out', async scene => {
      scene.act = async () => ({ text: 'a', secret: 'b' })
      assert.deepEqual(await scene.run(scene.client.internal({ text: '' })), { text: 'a' })
    })

    promise('what the handler does to its input later does not reach the caller', async ({ run, client }) => {
      const input = { thingId: 'a', count: 1, tags: ['mine'] }
      const output = await run(client.put(input))
      assert.deepEqual(input.tags, ['mine'])
      assert.deepEqual(output.tags, ['mine', 'changed'])
    })

    promise('a member that is undefined is not sent', async ({ run, client }) => {
      const output = await run(client.put({ thingId: 'a', count: 1, tags: [], note: undefined } as never))
      assert.equal('note' in output, false)
    })

    promise('a declared fault keeps code, reason, message and details', async ({ run, client }) => {
      await assert.rejects(run(client.get({ thingId: 'missing' })), error => {
        assert.ok(isRaised(error, Missing))
        assert.equal(error.code, 'not_found')
        assert.equal(error.message, 'There is no such thing; list them first.')
        assert.deepEqual(error.details, { thingId: 'missing' })
        assert.equal(error.retryable, false)
        return true
      })
    })

    promise('a fault keeps its retry hints and loses its cause', async scene => {
      scene.act = async () => {
        throw new Fault('unavailable', 'Down; wait.', { retryAfterMs: 1500, retried: true, cause: new Error('secret') })
      }
      await assert.rejects(scene.run(scene.client.internal({ text: '' })), error => {
        assert.ok(isFault(error, 'UNAVAILABLE'))
        assert.equal(error.retryAfterMs, 1500)
        assert.equal(error.retryable, true)
        assert.equal(error.retried, true)
        assert.equal(error.cause, undefined)
        return true
      })
    })

    promise('an unknown error becomes internal and tells nothing', async scene => {
      scene.act = async () => {
        throw new Error('the password is hunter2')
      }
      await assert.rejects(scene.run(scene.client.internal({ text: '' })), error => {
        assert.ok(isFault(error, 'INTERNAL'))
        assert.equal(error.message.includes('hunter2'), false)
        return true
      })
      const [outcome] = scene.outcomes
      assert.ok(outcome?.ok === false && outcome.fault.cause instanceof Error, 'the server knows the cause')
    })

    promise('a handler that throws before its first await rejects the call', async scene => {
      scene.act = () => {
        throw new Fault('aborted', 'No.', { reason: 'AT_ONCE' })
      }
      await assert.rejects(scene.run(scene.client.internal({ text: '' })), error => isFault(error, 'AT_ONCE'))
    })

    promise('the deadline travels and shrinks', async scene => {
      let left: number | undefined
      scene.act = async (text, ctx) => {
        left = remainingMs(ctx)
        return { text }
      }
      await scene.run(scene.client.internal({ text: '' }, { timeoutMs: 800 }))
      assert.ok(left !== undefined && left > 0 && left <= 801, `${left}`)
      await scene.run(scene.client.internal({ text: '' }))
      assert.ok(left !== undefined && left > 4000 && left <= 5001, 'the default is 5 s')
    })

    promise('a deadline ends the call on both sides though the handler hangs', async scene => {
      const cancelled: Fault[] = []
      scene.act = (_text, ctx) => {
        ctx.onCancelled(reason => cancelled.push(reason))
        return new Promise(() => undefined)
      }
      await assert.rejects(scene.run(scene.client.internal({ text: '' }, { timeoutMs: 300 })), error =>
        isFault(error, 'DEADLINE_EXCEEDED'),
      )
      await scene.runtime.advance(1_000)
      assert.equal(cancelled.length, 1)
    })

    promise('a call whose deadline has passed is not carried out', async scene => {
      let called = false
      scene.act = async text => {
        called = true
        return { text }
      }
      const parent = new CallContext(scene.runtime, { timeoutMs: 100 })
      await scene.runtime.advance(200)
      await assert.rejects(scene.run(bindClient(scene.client, parent).internal({ text: '' })), error =>
        isFault(error, 'DEADLINE_EXCEEDED'),
      )
      assert.equal(called, false)
    })

    promise('a caller that goes cancels the handler', async scene => {
      const parent = new CallContext(scene.runtime)
      let reason: unknown
      const begun = Promise.withResolvers<void>()
      scene.act = (_text, ctx) => {
        begun.resolve()
        return new Promise((_, reject) => {
          ctx.signal.addEventListener('abort', () => {
            reason = ctx.signal.reason
            reject(reason as Error)
          })
        })
      }
      const call = bindClient(scene.client, parent).internal({ text: '' })
      call.catch(() => undefined)
      await scene.run(begun.promise)
      parent.cancel(new Fault('cancelled', 'Gone.', { reason: 'CALLER_GONE' }))
      await assert.rejects(scene.run(call), error => isFault(error) && error.code === 'cancelled')
      await scene.runtime.settle()
      assert.ok(isFault(reason) && reason.code === 'cancelled')
    })

    promise('an aborted signal cancels the call', async scene => {
      scene.act = () => new Promise(() => undefined)
      const controller = new AbortController()
      const call = scene.client.internal({ text: '' }, { signal: controller.signal })
      call.catch(() => undefined)
      await scene.runtime.settle()
      controller.abort()
      await assert.rejects(scene.run(call), error => isFault(error, 'CALLER_ABORTED'))
    })

    promise('identity, trace and baggage travel; attributes do not', async scene => {
      let seen: Context | undefined
      scene.act = async (text, ctx) => {
        seen = ctx
        return { text }
      }
      const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true, state: 'v=1' }
      const parent = new CallContext(scene.runtime, { identity: ALICE, trace, baggage: { tenant: 'é, x' } })
      parent.set(SECRET, 'stays here')
      await scene.run(bindClient(scene.client, parent).internal({ text: '' }))
      assert.equal(seen?.identity?.subject, 'alice')
      assert.deepEqual(seen?.trace, { ...trace, remote: true })
      assert.equal(seen?.baggage.tenant, 'é, x')
      assert.equal(seen?.get(SECRET), undefined)
    })

    promise('an idempotency key travels, and not further than the call it names', async ({ run, client, runtime }) => {
      assert.deepEqual(await run(client.once({}, { idempotencyKey: 'k-1' })), { key: 'k-1' })
      const parent = new CallContext(runtime)
      parent.set(idempotencyKey, 'of-the-caller')
      assert.deepEqual(await run(bindClient(client, parent).once({})), {})
    })

    promise('a malformed idempotency key is refused', async ({ run, client }) => {
      await assert.rejects(run(client.once({}, { idempotencyKey: 'x'.repeat(256) })), error =>
        isFault(error, 'INVALID_IDEMPOTENCY_KEY'),
      )
    })

    promise('the status that the handler chose reaches a caller that asks', async ({ run, client }) => {
      const info: ResponseInfo = {}
      await run(client.put({ thingId: 'new', count: 1, tags: [] }, { info }))
      assert.equal(info.status, 201)
    })

    promise('a stream yields its items in order and ends', async ({ run, client }) => {
      assert.deepEqual(await run(collect(client.count({ to: 3 }))), [1, 2, 3])
    })

    promise('a stream without items ends', async ({ run, client }) => {
      assert.deepEqual(await run(collect(client.count({ to: 0 }))), [])
    })

    promise('a stream has no deadline of its own', async scene => {
      scene.count = async function* (_to, ctx) {
        yield { at: 1 }
        await sleep(ctx.runtime, 60_000)
        yield { at: 2 }
      }
      assert.deepEqual(await scene.run(collect(scene.client.count({ to: 2 }))), [1, 2])
    })

    promise('a deadline ends a stream', async scene => {
      scene.count = async function* (_to, ctx) {
        yield { at: 1 }
        await sleep(ctx.runtime, 60_000, ctx.signal)
      }
      const items: number[] = []
      await assert.rejects(scene.run(collect(scene.client.count({ to: 2 }, { timeoutMs: 500 }), items)), error =>
        isFault(error, 'DEADLINE_EXCEEDED'),
      )
      assert.deepEqual(items, [1])
    })

    promise('an invalid input of a stream is refused before its first item', async ({ run, client }) => {
      await assert.rejects(run(collect(client.count({ to: 'x' as never }))), error => isFault(error, 'INVALID_INPUT'))
    })

    promise('a fault in the middle of a stream comes after the items before it', async scene => {
      scene.count = async function* () {
        yield { at: 1 }
        throw new Fault('aborted', 'Enough.', { reason: 'ENOUGH', details: { at: 1 } })
      }
      const items: number[] = []
      await assert.rejects(scene.run(collect(scene.client.count({ to: 2 }), items)), error => {
        assert.ok(isFault(error, 'ENOUGH'))
        assert.deepEqual(error.details, { at: 1 })
        return true
      })
      assert.deepEqual(items, [1])
    })

    promise('an item that is not as declared ends the stream', async scene => {
      scene.count = async function* () {
        yield { at: 1 }
        yield { at: 'two' } as never
      }
      await assert.rejects(scene.run(collect(scene.client.count({ to: 2 }))), error => isFault(error, 'INVALID_OUTPUT'))
    })

    promise('a reader that stops ends the generator and its context', async scene => {
      let finished = false
      scene.count = async function* (_to, ctx) {
        try {
          for (let at = 1; ; at++) {
            yield { at }
            await sleep(ctx.runtime, 10, ctx.signal)
          }
        } finally {
          finished = true
        }
      }
      const read = async (): Promise<void> => {
        for await (const { at } of scene.client.count({ to: 0 })) if (at === 3) break
      }
      await scene.run(read())
      await scene.runtime.advance(100)
      assert.equal(finished, true)
      assert.equal(scene.outcomes.length, 1)
      assert.equal(scene.outcomes[0]?.ok, false)
    })

    promise('each call settles its context once', async scene => {
      await scene.run(scene.client.internal({ text: '' }))
      await scene.run(collect(scene.client.count({ to: 2 })))
      assert.deepEqual(scene.outcomes, [{ ok: true }, { ok: true }])
    })

    promise('many calls at once each get their own answer', async ({ run, client }) => {
      const calls = Array.from({ length: 100 }, (_, index) => client.internal({ text: `t${index}` }))
      const answers = await run(Promise.all(calls))
      assert.deepEqual(
        answers.map(answer => answer.text),
        Array.from({ length: 100 }, (_, index) => `t${index}`),
      )
    })
  })
}

async function echo(text: string): Promise<{ text: string }> {
  return { text }
}

async function* countTo(to: number): AsyncGenerator<{ at: number }> {
  for (let at = 1; at <= to; at++) yield { at }
}

function server(scene: Scene): RpcServer {
  return createRpcServer({
    authorize: next => next,
    middleware: [
      <I, O>(next: Handler<I, O>): Handler<I, O> =>
        (input, ctx) => {
          ctx.onSettled(outcome => scene.outcomes.push(outcome))
          return next(input, ctx)
        },
    ],
    implementations: [
      implement(Things, {
        async get({ thingId, limit, tags }) {
          if (thingId === 'missing') raise(Missing, { details: { thingId } })
          return { thingId, count: limit ?? 0, tags: tags ?? [] }
        },
        async put(thing, ctx) {
          if (thing.thingId === 'new') respondWith(ctx, 201)
          thing.tags.push('changed')
          return thing
        },
        internal: ({ text }, ctx) => scene.act(text, ctx),
        remove: async () => ({}),
        async once(_input, ctx) {
          const key = ctx.get(idempotencyKey)
          return key === undefined ? {} : { key }
        },
        count: ({ to }, ctx) => scene.count(to, ctx),
      }),
    ],
  })
}

async function collect(items: AsyncIterable<{ at: number }>, into: number[] = []): Promise<number[]> {
  for await (const { at } of items) into.push(at)
  return into
}
