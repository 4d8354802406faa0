import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { createVirtualRuntime, type VirtualRuntime } from '../testing/index.ts'
import {
  attribute,
  CallContext,
  type ContextOptions,
  type Outcome,
  remainingMs,
  throwIfCancelled,
  untilCancelled,
} from './context.ts'
import { Fault, isFault } from './fault.ts'

const ok: Outcome = { ok: true }
const gone = new Fault('cancelled', 'The caller has gone.', { reason: 'CALLER_GONE' })

function setUp(options?: ContextOptions): { runtime: VirtualRuntime; ctx: CallContext } {
  const runtime = createVirtualRuntime({ seed: 1 })
  return { runtime, ctx: new CallContext(runtime, options) }
}

describe('a deadline', () => {
  test('is counted from now on the monotonic clock', async () => {
    const { runtime } = setUp()
    await runtime.advance(70)
    assert.equal(new CallContext(runtime, { timeoutMs: 30 }).deadline, 100)
  })

  test('cancels the call when it passes, with the reason on the signal', async () => {
    const { runtime, ctx } = setUp({ timeoutMs: 100 })
    const { signal } = ctx
    await runtime.advance(99)
    assert.equal(signal.aborted, false)
    await runtime.advance(1)
    assert.ok(isFault(signal.reason, 'DEADLINE_EXCEEDED'))
    assert.equal(ctx.cancelled, signal.reason)
  })

  test('is seen by asking, although nobody listened', async () => {
    const { runtime, ctx } = setUp({ timeoutMs: 100 })
    await runtime.advance(100)
    assert.equal(ctx.cancelled?.code, 'deadline_exceeded')
    assert.throws(() => throwIfCancelled(ctx), { reason: 'DEADLINE_EXCEEDED' })
  })

  test('is not registered as long as nobody listens', () => {
    const { runtime, ctx } = setUp({ timeoutMs: 100 })
    ctx.onSettled(() => undefined)
    assert.equal(ctx.child({ timeoutMs: 50 }).cancelled, undefined)
    assert.equal(runtime.deadlines.size, 0)
  })

  test('does not fire for a settled call', async () => {
    const { runtime, ctx } = setUp({ timeoutMs: 100 })
    let fired = 0
    ctx.onCancelled(() => fired++)
    ctx.settle(ok)
    assert.equal(runtime.deadlines.size, 0)
    await runtime.advance(1000)
    assert.equal(fired, 0)
    assert.equal(ctx.cancelled, undefined)
    assert.equal(ctx.signal.aborted, false)
  })

  test('is taken out when the call is cancelled', () => {
    const { runtime, ctx } = setUp({ timeoutMs: 100 })
    ctx.onCancelled(() => undefined)
    ctx.cancel(gone)
    assert.equal(runtime.deadlines.size, 0)
  })

  test('that has already passed cancels at once', () => {
    const { ctx } = setUp({ timeoutMs: 0 })
    assert.equal(ctx.signal.aborted, true)
    assert.equal(setUp({ timeoutMs: -5 }).ctx.cancelled?.code, 'deadline_exceeded')
  })

  test('of Infinity is none', () => {
    const { runtime, ctx } = setUp({ timeoutMs: Number.POSITIVE_INFINITY })
    ctx.onCancelled(() => undefined)
    assert.equal(ctx.deadline, undefined)
    assert.equal(runtime.pendingTimers, 0)
  })

  test('of NaN is refused', () => {
    assert.throws(() => setUp({ timeoutMs: Number.NaN }), RangeError)
  })

  test('leaves the milliseconds until it, never fewer than none', async () => {
    const { runtime, ctx } = setUp({ timeoutMs: 100 })
    await runtime.advance(40)
    assert.equal(remainingMs(ctx), 60)
    await runtime.advance(100)
    assert.equal(remainingMs(ctx), 0)
    assert.equal(remainingMs(new CallContext(runtime)), undefined)
  })
})

describe('a cancelled call', () => {
  test('tells its listeners once, in order of registration', () => {
    const { ctx } = setUp()
    const seen: string[] = []
    ctx.onCancelled(fault => seen.push(`a ${fault.reason}`))
    ctx.onCancelled(fault => seen.push(`b ${fault.reason}`))
    ctx.cancel(gone)
    ctx.cancel(new Fault('cancelled', 'Again.'))
    assert.deepEqual(seen, ['a CALLER_GONE', 'b CALLER_GONE'])
    assert.equal(ctx.cancelled, gone)
  })

  test('tells who listens later at once', () => {
    const { ctx } = setUp()
    ctx.cancel(gone)
    let seen: Fault | undefined
    ctx.onCancelled(fault => {
      seen = fault
    })()
    assert.equal(seen, gone)
    assert.equal(ctx.signal.reason, gone)
  })

  test('tells who starts to listen while it tells', () => {
    const { ctx } = setUp()
    let seen: Fault | undefined
    ctx.onCancelled(() =>
      ctx.onCancelled(fault => {
        seen = fault
      }),
    )
    ctx.cancel(gone)
    assert.equal(seen, gone)
  })

  test('does not tell who has left, even while it tells', () => {
    const { ctx } = setUp()
    const seen: string[] = []
    ctx.onCancelled(() => {
      seen.push('first')
      leave()
    })
    const leave = ctx.onCancelled(() => seen.push('second'))
    ctx.cancel(gone)
    assert.deepEqual(seen, ['first'])
  })

  test('tells the same function as often as it was registered, and takes off one at a time', () => {
    const { ctx } = setUp()
    let calls = 0
    const listener = (): void => {
      calls++
    }
    ctx.onCancelled(listener)
    const leave = ctx.onCancelled(listener)
    leave()
    leave()
    ctx.cancel(gone)
    assert.equal(calls, 1)
  })

  test('may be settled by a listener: the others still hear of the cancellation', () => {
    const { ctx } = setUp()
    const seen: string[] = []
    ctx.onSettled(outcome => seen.push(outcome.ok ? 'ok' : outcome.fault.reason))
    ctx.onCancelled(fault => ctx.settle({ ok: false, fault }))
    ctx.onCancelled(() => seen.push('second'))
    ctx.cancel(gone)
    assert.deepEqual(seen, ['CALLER_GONE', 'second'])
  })

  test('reports the error of a listener as uncaught and tells the others', async () => {
    const { ctx } = setUp()
    const child = ctx.child()
    const seen: string[] = []
    ctx.onCancelled(() => {
      throw new Error('from a listener')
    })
    ctx.onCancelled(() => seen.push('second'))
    child.onCancelled(() => seen.push('child'))
    const uncaught = nextUncaught()
    ctx.cancel(gone)
    assert.deepEqual(seen, ['second', 'child'])
    assert.match(String(await uncaught), /from a listener/)
  })

  test('stays silent after it was settled', () => {
    const { ctx } = setUp()
    const { signal } = ctx
    ctx.settle(ok)
    ctx.cancel(gone)
    assert.equal(ctx.cancelled, undefined)
    assert.equal(signal.aborted, false)
    ctx.onCancelled(() => assert.fail('it was never cancelled'))()
  })
})

describe('a settled call', () => {
  test('tells its listeners once, in order, with the first outcome', () => {
    const { ctx } = setUp()
    const seen: string[] = []
    ctx.onSettled(outcome => seen.push(`a ${outcome.ok}`))
    ctx.onSettled(outcome => seen.push(`b ${outcome.ok}`))
    ctx.settle(ok)
    ctx.settle({ ok: false, fault: gone })
    ctx.onSettled(outcome => seen.push(`c ${outcome.ok}`))
    assert.deepEqual(seen, ['a true', 'b true', 'c true'])
  })

  test('reports the error of a listener as uncaught and tells the others', async () => {
    const { ctx } = setUp()
    let told = false
    ctx.onSettled(() => {
      throw new Error('from a settled listener')
    })
    ctx.onSettled(() => {
      told = true
    })
    const uncaught = nextUncaught()
    ctx.settle(ok)
    assert.equal(told, true)
    assert.match(String(await uncaught), /from a settled listener/)
  })

  test('keeps the fault it was cancelled with', () => {
    const { ctx } = setUp()
    ctx.cancel(gone)
    ctx.settle({ ok: false, fault: gone })
    assert.equal(ctx.cancelled, gone)
    assert.equal(ctx.child().cancelled, gone)
  })
})

describe('a child', () => {
  test('has the earlier of both deadlines', () => {
    const { ctx } = setUp({ timeoutMs: 100 })
    assert.equal(ctx.child({ timeoutMs: 40 }).deadline, 40)
    assert.equal(ctx.child({ timeoutMs: 400 }).deadline, 100)
    assert.equal(ctx.child().deadline, 100)
    assert.equal(setUp().ctx.child({ timeoutMs: 40 }).deadline, 40)
  })

  test('is cancelled with its parent, through any number of contexts between', () => {
    const { ctx } = setUp()
    const grandchild = ctx.child().child().child()
    const { signal } = grandchild
    ctx.cancel(gone)
    assert.equal(signal.reason, gone)
  })

  test('sees by asking that a context above was cancelled', () => {
    const { ctx } = setUp()
    const grandchild = ctx.child().child()
    ctx.cancel(gone)
    assert.equal(grandchild.cancelled, gone)
  })

  test('of a cancelled parent is cancelled from the start', () => {
    const { ctx } = setUp({ timeoutMs: 100 })
    ctx.cancel(gone)
    const child = ctx.child({ timeoutMs: 10 })
    assert.equal(child.signal.reason, gone)
    let seen: Fault | undefined
    child.child().onCancelled(fault => {
      seen = fault
    })
    assert.equal(seen, gone)
  })

  test('of a parent whose deadline passed unobserved is cancelled from the start', async () => {
    const { runtime, ctx } = setUp({ timeoutMs: 100 })
    await runtime.advance(200)
    assert.equal(ctx.child().signal.aborted, true)
  })

  test('does not cancel its parent', () => {
    const { ctx } = setUp()
    const child = ctx.child()
    ctx.onCancelled(() => assert.fail('the parent goes on'))
    child.cancel(gone)
    assert.equal(ctx.cancelled, undefined)
  })

  test('keeps its deadline when its parent is settled before it', async () => {
    const { runtime, ctx } = setUp({ timeoutMs: 100 })
    const child = ctx.child()
    const { signal } = child
    ctx.settle(ok)
    await runtime.advance(100)
    assert.ok(isFault(signal.reason, 'DEADLINE_EXCEEDED'))
  })

  test('made after its parent was settled still has the deadline', async () => {
    const { runtime, ctx } = setUp({ timeoutMs: 100 })
    ctx.settle(ok)
    const { signal } = ctx.child()
    await runtime.advance(100)
    assert.equal(signal.aborted, true)
  })

  test('takes identity, trace and baggage of its parent unless it is given its own', () => {
    const identity = { kind: 'user', subject: 'u-1', roles: [], permissions: new Set<string>() } as const
    const { ctx } = setUp({ identity, baggage: { tenant: 't-1' } })
    const child = ctx.child()
    assert.equal(child.identity, identity)
    assert.equal(child.trace, ctx.trace)
    assert.equal(child.baggage, ctx.baggage)
    const other = ctx.child({ identity: undefined, baggage: {}, trace: { ...ctx.trace, spanId: 'f'.repeat(16) } })
    assert.equal(other.identity, undefined)
    assert.deepEqual(other.baggage, {})
    assert.equal(other.trace.spanId, 'f'.repeat(16))
  })

  test('has the trace of its parent whichever of them is asked first', () => {
    const { ctx } = setUp()
    const child = ctx.child()
    assert.equal(child.trace, ctx.trace)
  })
})

describe('what a long-lived parent holds', () => {
  const deadlines = { timeoutMs: 1_000_000 }

  test('is nothing of children that nobody listens to', async () => {
    const { ctx } = setUp()
    const refs = await garbage(() => Array.from({ length: 50 }, () => ctx.child(deadlines)))
    assert.equal(refs(), 0)
    ctx.settle(ok)
  })

  test('is nothing of settled children', async () => {
    const { runtime, ctx } = setUp()
    const refs = await garbage(() =>
      Array.from({ length: 50 }, () => {
        const child = ctx.child(deadlines)
        void child.child().signal
        child.onCancelled(() => undefined)
        child.settle(ok)
        return child
      }),
    )
    // The grandchildren were never settled; they wait for their deadline, no longer for a parent.
    assert.equal(runtime.deadlines.size, 50)
    await runtime.advance(deadlines.timeoutMs)
    assert.equal(await collect(refs), 0)
    ctx.settle(ok)
  })

  test('is nothing of cancelled children', async () => {
    const { ctx } = setUp()
    const refs = await garbage(() =>
      Array.from({ length: 50 }, () => {
        const child = ctx.child()
        void child.signal
        child.cancel(gone)
        return child
      }),
    )
    assert.equal(refs(), 0)
    ctx.settle(ok)
  })

  test('is nothing of children that were never settled but whose listeners have left', async () => {
    const { runtime, ctx } = setUp()
    const refs = await garbage(() =>
      Array.from({ length: 50 }, () => {
        const child = ctx.child(deadlines)
        child.child().onCancelled(() => undefined)()
        child.onCancelled(() => undefined)()
        return child
      }),
    )
    assert.equal(runtime.deadlines.size, 0)
    assert.equal(refs(), 0)
    ctx.settle(ok)
  })

  test('is nothing after a wait on a child that was never settled', async () => {
    const { runtime, ctx } = setUp()
    const child = ctx.child(deadlines)
    assert.equal(await untilCancelled(child, Promise.resolve(1)), 1)
    assert.equal(runtime.deadlines.size, 0)
  })

  test('is told again to who listens again', () => {
    const { runtime, ctx } = setUp()
    const child = ctx.child(deadlines)
    child.onCancelled(() => undefined)()
    const { signal } = child
    assert.equal(runtime.deadlines.size, 1)
    ctx.cancel(gone)
    assert.equal(signal.aborted, true)
  })
})

describe('an attribute', () => {
  const tenant = attribute<string | undefined>('tenant')

  test('is seen below and not above', () => {
    const { ctx } = setUp()
    const child = ctx.child()
    child.set(tenant, 't-1')
    assert.equal(child.child().get(tenant), 't-1')
    assert.equal(ctx.get(tenant), undefined)
  })

  test('may be hidden below by undefined', () => {
    const { ctx } = setUp()
    ctx.set(tenant, 't-1')
    const child = ctx.child()
    child.set(tenant, undefined)
    assert.equal(child.get(tenant), undefined)
    assert.equal(ctx.get(tenant), 't-1')
  })

  test('is not mistaken for another of the same name', () => {
    const { ctx } = setUp()
    ctx.set(tenant, 't-1')
    assert.equal(ctx.get(attribute<string>('tenant')), undefined)
  })
})

describe('untilCancelled', () => {
  test('passes on what the work did', async () => {
    const { ctx } = setUp()
    assert.equal(await untilCancelled(ctx, Promise.resolve(7)), 7)
    await assert.rejects(untilCancelled(ctx, Promise.reject(new Error('no'))), /no/)
  })

  test('rejects when the deadline passes first, and swallows what the work does later', async () => {
    const { runtime, ctx } = setUp({ timeoutMs: 100 })
    const work = Promise.withResolvers<never>()
    const waiting = assert.rejects(untilCancelled(ctx, work.promise), { code: 'deadline_exceeded' })
    await runtime.advance(100)
    await waiting
    work.reject(new Error('too late'))
    await runtime.settle()
  })

  test('rejects at once when the call is over', async () => {
    const { ctx } = setUp()
    ctx.cancel(gone)
    await assert.rejects(untilCancelled(ctx, new Promise(() => undefined)), { reason: 'CALLER_GONE' })
  })
})

/** The next uncaught error, kept from failing the test. */
async function nextUncaught(): Promise<unknown> {
  const runners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  try {
    const [error] = await once(process, 'uncaughtException')
    return error
  } finally {
    for (const runner of runners) process.on('uncaughtException', runner)
  }
}

/** Makes contexts, drops them, collects garbage, and returns how many are still there. */
async function garbage(make: () => CallContext[]): Promise<() => number> {
  const refs = make().map(ctx => new WeakRef(ctx))
  const left = (): number => refs.filter(ref => ref.deref() !== undefined).length
  await collect(left)
  return left
}

async function collect(left: () => number): Promise<number> {
  const { setFlagsFromString } = await import('node:v8')
  const { runInNewContext } = await import('node:vm')
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  for (let attempt = 0; attempt < 10 && left() > 0; attempt++) {
    // A WeakRef keeps what it gave until the end of its turn.
    await new Promise<void>(done => setImmediate(done))
    gc()
  }
  return left()
}
