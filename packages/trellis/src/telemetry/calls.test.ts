import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CallContext, chain, Fault, type Handler, newTrace, parseTraceparent, type Target } from '../kernel/index.ts'
import { createVirtualRuntime } from '../testing/index.ts'
import { accessLogged } from './access-logged.ts'
import { measured } from './measured.ts'
import { createMetrics } from './metrics.ts'
import { ringSpans } from './ring-spans.ts'
import type { Logger } from './telemetry.ts'
import { traced } from './traced.ts'

const SERVER: Target = { kind: 'server', name: 'shop.Orders', operation: 'get' }
const CLIENT: Target = { kind: 'client', name: 'shop.Users', operation: 'get' }
const STREAM: Target = { kind: 'server', name: 'shop.Orders', operation: 'changes', streaming: true }

test('a call is a span below its remote caller, and the calls it makes are spans below it', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const sink = ringSpans()
  const client = traced(sink)(async () => 'user', CLIENT)
  const server = traced(sink)(async (_input: undefined, ctx) => {
    await runtime.timers.after(0, () => undefined)
    await client(undefined, ctx.child())
    return 'order'
  }, SERVER)
  const trace = parseTraceparent(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)
  assert.ok(trace)
  await server(undefined, new CallContext(runtime, { trace }))
  const [call, root] = sink.spans('a'.repeat(32))
  assert.partialDeepStrictEqual(root, {
    name: 'shop.Orders/get',
    kind: 'server',
    parentSpanId: 'b'.repeat(16),
    failure: undefined,
  })
  assert.partialDeepStrictEqual(call, { name: 'shop.Users/get', kind: 'client', parentSpanId: root?.spanId })
})

test('the first span of a new trace is its root, and no second one takes its id', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const sink = ringSpans()
  const handler = traced(sink)(async () => undefined, SERVER)
  const ctx = new CallContext(runtime)
  await handler(undefined, ctx)
  await handler(undefined, ctx)
  const [first, second] = sink.spans()
  assert.equal(first?.parentSpanId, undefined)
  assert.equal(first?.spanId, ctx.trace.spanId)
  assert.equal(second?.parentSpanId, first?.spanId)
  assert.notEqual(second?.spanId, first?.spanId)
})

test('calls of a client in one context are siblings', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const sink = ringSpans()
  const client = traced(sink)(async () => undefined, CLIENT)
  const ctx = new CallContext(runtime)
  await client(undefined, ctx)
  await client(undefined, ctx)
  const [first, second] = sink.spans()
  assert.notEqual(first?.spanId, second?.spanId)
  assert.equal(first?.parentSpanId, second?.parentSpanId)
})

test('a span holds the code of the failure and the duration by the monotonic clock', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const sink = ringSpans()
  const handler = traced(sink)(async () => {
    await runtime.advance(250)
    runtime.jumpWall(-10_000)
    throw new Fault('not_found', 'no')
  }, SERVER)
  const startMs = runtime.clock.now()
  await assert.rejects(handler(undefined, new CallContext(runtime)), { code: 'not_found' })
  assert.partialDeepStrictEqual(sink.spans()[0], { failure: 'not_found', startMs, endMs: startMs + 250 })
})

test('a trace that its origin does not record is not recorded here, and goes on unrecorded', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const sink = ringSpans()
  let seen: boolean | undefined
  const handler = traced(sink)(async (_input: undefined, ctx) => {
    seen = ctx.trace.sampled
  }, SERVER)
  await handler(undefined, new CallContext(runtime, { trace: newTrace(runtime.random, false) }))
  assert.equal(seen, false)
  assert.deepEqual(sink.spans(), [])
})

test('a ratio decides new traces by their id, and leaves those of others alone', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const sink = ringSpans()
  const handler = traced(sink, { ratio: 0.25 })(async () => undefined, SERVER)
  for (let call = 0; call < 1_000; call++) await handler(undefined, new CallContext(runtime))
  const recorded = sink.spans().length
  assert.ok(recorded > 180 && recorded < 320, `${recorded} of 1,000`)
  const trace = parseTraceparent(`00-${'f'.repeat(32)}-${'b'.repeat(16)}-01`)
  await handler(undefined, new CallContext(runtime, trace === undefined ? {} : { trace }))
  assert.equal(sink.spans().length, recorded + 1)
})

test('a ratio out of range is refused, and without a sink nothing is wrapped', () => {
  assert.throws(() => traced(ringSpans(), { ratio: 2 }), RangeError)
  const handler: Handler<void, void> = async () => undefined
  assert.equal(traced(undefined)(handler, SERVER), handler)
})

test('a stream is measured, traced and logged to its end, not to its start', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const sink = ringSpans()
  const metrics = createMetrics()
  const lines: unknown[] = []
  const log = loggerTo(lines)
  const handler = chain(
    traced(sink),
    measured(metrics),
    accessLogged(log),
  )(
    async () =>
      (async function* () {
        yield 1
      })(),
    STREAM,
  )
  const ctx = new CallContext(runtime)
  await handler(undefined, ctx)
  await runtime.advance(3_000)
  assert.deepEqual([sink.spans(), metrics.render(), lines], [[], '', []])
  ctx.settle({ ok: true })
  const [span] = sink.spans()
  assert.equal((span?.endMs ?? 0) - (span?.startMs ?? 0), 3_000)
  assert.match(
    metrics.render(),
    /trellis_rpc_server_duration_seconds_sum\{code="ok",contract="shop.Orders",operation="changes"\} 3\n/,
  )
  assert.deepEqual(lines, [['info', 'shop.Orders/changes', { code: 'ok', durationMs: 3_000 }, undefined]])
})

test('a call that its server gave up on ends when it was answered, and once', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const sink = ringSpans()
  const metrics = createMetrics()
  const work = Promise.withResolvers<void>()
  const handler = chain(traced(sink), measured(metrics))(() => work.promise, SERVER)
  const ctx = new CallContext(runtime)
  const answer = handler(undefined, ctx)
  await runtime.advance(10)
  ctx.settle({ ok: false, fault: new Fault('deadline_exceeded', 'late') })
  await runtime.advance(1_000)
  work.resolve()
  await answer
  assert.deepEqual(
    sink.spans().map(span => [span.failure, span.endMs - span.startMs]),
    [['deadline_exceeded', 10]],
  )
  assert.match(metrics.render(), /_count\{code="deadline_exceeded".*\} 1\n/)
  assert.doesNotMatch(metrics.render(), /code="ok"/)
})

test('listeners on the context of a traced call hear of its end', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const heard: boolean[] = []
  const handler = traced(ringSpans(), { ratio: 0 })(async (_input: undefined, ctx) => {
    ctx.onSettled(outcome => heard.push(outcome.ok))
  }, SERVER)
  await handler(undefined, new CallContext(runtime))
  assert.deepEqual(heard, [true])
})

test('durations are kept by contract, operation and code', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const metrics = createMetrics()
  const handler = measured(metrics)(async (fails: boolean) => {
    if (fails) throw new TypeError('a bug')
  }, CLIENT)
  await handler(false, new CallContext(runtime))
  await assert.rejects(handler(true, new CallContext(runtime)), TypeError)
  const text = metrics.render()
  assert.match(text, /trellis_rpc_client_duration_seconds_count\{code="ok",contract="shop.Users",operation="get"\} 1/)
  assert.match(
    text,
    /trellis_rpc_client_duration_seconds_count\{code="internal",contract="shop.Users",operation="get"\} 1/,
  )
})

test('the access log tells a mistake of the caller from trouble in here', async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const lines: unknown[] = []
  const bug = new Error('a bug')
  const method = new Fault('unimplemented', 'no DELETE', { reason: 'METHOD_NOT_ALLOWED' })
  const unknown = new Fault('not_found', 'no', { reason: 'UNKNOWN_ORDER' })
  const faults = [unknown, new Fault('unavailable', 'later'), bug, method]
  const handler = accessLogged(loggerTo(lines))(async (index: number) => {
    throw faults[index]
  }, SERVER)
  for (const index of faults.keys()) await handler(index, new CallContext(runtime)).catch(() => undefined)
  const [caller, overload, own, foreign] = lines as [
    level: string,
    message: string,
    fields: object,
    error: Fault | undefined,
  ][]
  assert.deepEqual(caller, [
    'info',
    'shop.Orders/get',
    { code: 'not_found', reason: 'UNKNOWN_ORDER', durationMs: 0 },
    undefined,
  ])
  assert.equal(overload?.[0], 'warn')
  assert.equal(own?.[0], 'error')
  assert.equal(own?.[3]?.cause, bug)
  assert.equal(foreign?.[0], 'info')
})

test('a ring keeps the last spans', () => {
  const sink = ringSpans(2)
  const span = {
    name: '',
    kind: 'server' as const,
    traceId: 't',
    parentSpanId: undefined,
    startMs: 0,
    endMs: 0,
    fields: {},
    failure: undefined,
  }
  for (const spanId of ['1', '2', '3']) sink.record({ ...span, spanId })
  assert.deepEqual(
    sink.spans().map(kept => kept.spanId),
    ['2', '3'],
  )
  assert.deepEqual(sink.spans('other'), [])
  assert.throws(() => ringSpans(0), RangeError)
})

function loggerTo(lines: unknown[]): Logger {
  const logger: Logger = {
    log: (level, message, fields, _ctx, error) => void lines.push([level, message, fields, error]),
    with: () => logger,
  }
  return logger
}
