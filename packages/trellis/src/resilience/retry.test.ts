import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Context, Handler, Target } from '../kernel/index.ts'
import { CallContext, Fault, isFault } from '../kernel/index.ts'
import type { VirtualRuntime } from '../testing/index.ts'
import { createVirtualRuntime } from '../testing/index.ts'
import { attemptedInstances } from './attempted-instances.ts'
import { constant } from './backoff.ts'
import { execute } from './execute.ts'
import type { RetryOptions } from './retry.ts'
import { retry } from './retry.ts'

const READ: Target = { kind: 'client', name: 'kit.v1.Kit', operation: 'read', readonly: true }
const WRITE: Target = { kind: 'client', name: 'kit.v1.Kit', operation: 'write' }
const STREAM: Target = { kind: 'client', name: 'kit.v1.Kit', operation: 'list', readonly: true, streaming: true }

const down = (init = {}): Fault => new Fault('unavailable', 'Down.', { reason: 'DOWN', ...init })

interface Run {
  readonly runtime: VirtualRuntime
  readonly ctx: CallContext
  readonly contexts: Context[]
  /** Fails as often as there are failures, then answers. */
  call(options: RetryOptions, failures: readonly unknown[], target?: Target): Promise<string>
}

function setUp(timeoutMs = 60_000): Run {
  const runtime = createVirtualRuntime({ seed: 1 })
  const ctx = new CallContext(runtime, { timeoutMs })
  const contexts: Context[] = []
  return {
    runtime,
    ctx,
    contexts,
    call(options, failures, target = READ) {
      const work: Handler<string, string> = async (input, own) => {
        contexts.push(own)
        const failure = failures[contexts.length - 1]
        if (failure !== undefined) throw failure
        return `${input} done`
      }
      return runtime.run(retry(options)(work, target)('work', ctx))
    },
  }
}

describe('retry', () => {
  test('repeats a passing failure until it is over', async () => {
    const { call, contexts } = setUp()
    assert.equal(await call({}, [down(), down()]), 'work done')
    assert.equal(contexts.length, 3)
  })

  test('gives each attempt a context of its own, settled when it is over', async () => {
    const { call, contexts, ctx } = setUp()
    await call({}, [down()])
    assert.equal(new Set([ctx, ...contexts]).size, 3)
    const outcomes: boolean[] = []
    for (const own of contexts) own.onSettled(({ ok }) => outcomes.push(ok))
    assert.deepEqual(outcomes, [false, true])
  })

  test('gives up after its attempts, and marks the fault as retried', async () => {
    const { call, contexts } = setUp()
    await assert.rejects(call({ attempts: 3 }, [down(), down(), down()]), error => {
      assert.ok(isFault(error, 'DOWN'))
      return error.retried
    })
    assert.equal(contexts.length, 3)
  })

  test('does not repeat what may act twice', async () => {
    const { call, contexts } = setUp()
    await assert.rejects(call({}, [down()], WRITE), error => isFault(error, 'DOWN') && !error.retried)
    assert.equal(contexts.length, 1)
  })

  test('repeats what is idempotent', async () => {
    const { call } = setUp()
    assert.equal(await call({}, [down()], { ...WRITE, idempotent: true }), 'work done')
  })

  for (const [title, failure] of [
    ['will not pass', new Fault('not_found', 'None.')],
    ['was retried below', down({ retried: true })],
    ['is no fault', new Error('bug')],
  ] as const) {
    test(`does not repeat what ${title}`, async () => {
      const { call, contexts } = setUp()
      await assert.rejects(call({}, [failure]))
      assert.equal(contexts.length, 1)
    })
  }

  test('waits as long as the fault says', async () => {
    const { call, runtime } = setUp()
    const before = runtime.clock.monotonic()
    await call({ backoff: constant(10) }, [down({ retryAfterMs: 3_000 })])
    assert.equal(runtime.clock.monotonic() - before, 3_000)
  })

  test('does not wait for what the deadline leaves no time for', async () => {
    const { call, contexts, runtime } = setUp(1_000)
    const before = runtime.clock.monotonic()
    await assert.rejects(call({}, [down({ retryAfterMs: 1_000 })]), error => isFault(error, 'DOWN'))
    assert.equal(contexts.length, 1)
    assert.equal(runtime.clock.monotonic(), before)
  })

  test('stops to wait when the caller goes', async () => {
    const { runtime, ctx } = setUp()
    const handler = retry({ backoff: constant(10_000) })(() => Promise.reject(down()), READ)
    const call = handler(undefined, ctx)
    call.catch(() => undefined)
    await runtime.advance(100)
    ctx.cancel(new Fault('cancelled', 'Gone.', { reason: 'GONE' }))
    await assert.rejects(runtime.run(call), error => isFault(error, 'GONE'))
  })

  test('stays within its budget, and marks what it left alone', async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    let attempts = 0
    const handler = retry({ backoff: constant(0), budget: { ratio: 0.2, minPerSecond: 0, capacity: 20 } })(() => {
      attempts++
      return Promise.reject(down())
    }, READ)
    const faults: unknown[] = []
    for (let calls = 0; calls < 1_000; calls++) {
      await handler(undefined, new CallContext(runtime)).catch(error => faults.push(error))
    }
    assert.ok(attempts <= 1_000 + 200 + 20, `${attempts} attempts for 1,000 calls`)
    assert.ok(attempts >= 1_000 + 200, `${attempts} attempts for 1,000 calls`)
    assert.ok(faults.every(fault => isFault(fault) && fault.retried))
  })

  test('saves a little of its budget up again as time passes', async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    let attempts = 0
    const handler = retry({ backoff: constant(0), budget: { ratio: 0, minPerSecond: 1, capacity: 1 } })(() => {
      attempts++
      return Promise.reject(down())
    }, READ)
    const call = (): Promise<unknown> => handler(undefined, new CallContext(runtime)).catch(() => undefined)
    await call()
    await call()
    assert.equal(attempts, 3)
    await runtime.advance(1_000)
    await call()
    assert.equal(attempts, 5)
  })

  test('shares the instances that failed among the attempts', async () => {
    const { call, contexts } = setUp()
    await call({}, [down()])
    const shared = contexts.map(own => own.get(attemptedInstances))
    assert.ok(shared[0] instanceof Set)
    assert.equal(shared[0], shared[1])
  })

  test('refuses a number of attempts that is none', () => {
    assert.throws(() => retry({ attempts: 0 }), RangeError)
    assert.throws(() => retry({ attempts: 1.5 }), RangeError)
    assert.throws(() => retry({ budget: { ratio: -1 } })(async () => 1, READ), RangeError)
  })
})

describe('retry of a stream', () => {
  const attempt = (failBefore: number, items: readonly number[]) => {
    const state = { attempts: 0, open: 0 }
    const handler: Handler<undefined, AsyncIterable<number>> = async () => {
      state.attempts++
      const fails = state.attempts <= failBefore
      async function* stream(): AsyncGenerator<number> {
        state.open++
        try {
          if (fails) throw down()
          for (const item of items) yield item
          if (items.length === 1) throw down()
        } finally {
          state.open--
        }
      }
      return stream()
    }
    return { state, handler }
  }
  const collect = async (items: AsyncIterable<number>, into: number[]): Promise<number[]> => {
    for await (const item of items) into.push(item)
    return into
  }

  test('repeats what failed before its first item', async () => {
    const { runtime, ctx } = setUp()
    const { state, handler } = attempt(2, [1, 2, 3])
    const items = await retry()(handler, STREAM)(undefined, ctx)
    assert.deepEqual(await runtime.run(collect(items, [])), [1, 2, 3])
    assert.equal(state.attempts, 3)
  })

  test('does not repeat what failed after its first item', async () => {
    const { runtime, ctx } = setUp()
    const { state, handler } = attempt(0, [1])
    const seen: number[] = []
    const items = await retry()(handler, STREAM)(undefined, ctx)
    await assert.rejects(runtime.run(collect(items, seen)), error => isFault(error, 'DOWN'))
    assert.deepEqual(seen, [1])
    assert.equal(state.attempts, 1)
  })

  test('closes the stream when its reader stops', async () => {
    const { runtime, ctx } = setUp()
    const { state, handler } = attempt(0, [1, 2, 3])
    const items = await retry()(handler, STREAM)(undefined, ctx)
    const read = async (): Promise<void> => {
      for await (const item of items) if (item === 2) break
    }
    await runtime.run(read())
    assert.equal(state.open, 0)
  })
})

test('execute runs any function under a policy', async () => {
  const { runtime, ctx } = setUp()
  let attempts = 0
  const rate = await runtime.run(
    execute(retry(), ctx, async () => {
      if (++attempts < 3) throw down()
      return 1.08
    }),
  )
  assert.equal(rate, 1.08)
})
