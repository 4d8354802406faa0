import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Context, Target } from '../kernel/index.ts'
import { CallContext, isFault, remainingMs, sleep } from '../kernel/index.ts'
import { createVirtualRuntime } from '../testing/index.ts'
import { deadline } from './deadline.ts'

const UNARY: Target = { kind: 'client', name: 'kit.v1.Kit', operation: 'work' }
const STREAM: Target = { ...UNARY, streaming: true }

describe('deadline', () => {
  test('ends what takes longer, and tells the work', async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    let inner: Context | undefined
    const handler = deadline({ timeoutMs: 500 })((_input: undefined, ctx: Context) => {
      inner = ctx
      return new Promise<never>(() => undefined)
    }, UNARY)
    const call = handler(undefined, new CallContext(runtime))
    await assert.rejects(runtime.run(call), error => isFault(error, 'DEADLINE_EXCEEDED'))
    assert.equal(runtime.clock.monotonic() >= 500, true)
    assert.ok(isFault(inner?.cancelled, 'DEADLINE_EXCEEDED'))
  })

  test('leaves what is quicker alone', async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    const handler = deadline({ timeoutMs: 500 })(async (input: number) => input + 1, UNARY)
    assert.equal(await runtime.run(handler(1, new CallContext(runtime))), 2)
  })

  test('does not lengthen the deadline of the caller', async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    const handler = deadline({ timeoutMs: 500 })(async (_: undefined, ctx: Context) => remainingMs(ctx), UNARY)
    assert.equal(await runtime.run(handler(undefined, new CallContext(runtime, { timeoutMs: 100 }))), 100)
  })

  test('bounds a stream to its end, and closes it', async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    let closed = false
    const handler = deadline({ timeoutMs: 500 })(async (_: undefined, ctx: Context) => {
      async function* ticks(): AsyncGenerator<number> {
        try {
          for (let tick = 0; ; tick++) {
            yield tick
            await sleep(ctx.runtime, 200, ctx.signal)
          }
        } finally {
          closed = true
        }
      }
      return ticks()
    }, STREAM)
    const seen: number[] = []
    const read = async (): Promise<void> => {
      for await (const tick of await handler(undefined, new CallContext(runtime))) seen.push(tick)
    }
    await assert.rejects(runtime.run(read()), error => isFault(error, 'DEADLINE_EXCEEDED'))
    await runtime.settle()
    assert.deepEqual(seen, [0, 1, 2])
    assert.equal(closed, true)
  })

  test('refuses what is no duration', () => {
    assert.throws(() => deadline({ timeoutMs: 0 }), RangeError)
    assert.throws(() => deadline({ timeoutMs: Number.NaN }), RangeError)
  })
})
