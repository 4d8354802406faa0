import { type Attribute, attribute, type Context, type Outcome } from '../kernel/context.ts'
import type { Handler, Middleware, Target, TargetKind } from '../kernel/handler.ts'
import { childSpan, type TraceContext } from '../kernel/trace.ts'
import { runToEnd } from './call-end.ts'
import type { Fields, SpanRecord, SpanSink } from './telemetry.ts'

/** Options of tracing. */
export interface TracingOptions {
  /**
   * Share of new traces that is recorded, from 0 to 1; decided by the trace id, so that services with one ratio agree. A trace that came from another process
   * was decided there. Default 1: who set up a sink wants to see everything until there is too much.
   */
  readonly ratio?: number
}

const SPAN_KIND: Readonly<Record<TargetKind, SpanRecord['kind']>> = {
  server: 'server',
  route: 'server',
  client: 'client',
  consumer: 'consumer',
  timer: 'internal',
  job: 'internal',
  'saga-step': 'internal',
}

/** Set on a context whose trace was begun by a span of this process, so that no second span takes the same id. */
const begun: Attribute<boolean> = attribute('trellis.telemetry.traceBegun')

/**
 * Records a span for each call, below the one it belongs to; what the call does in turn hangs below its span. Without a sink nothing is recorded
 * and the caller's span travels on, which costs nothing. Put it outermost, so that the span holds everything else.
 */
export function traced(sink: SpanSink | undefined, options: TracingOptions = {}): Middleware {
  const ratio = options.ratio ?? 1
  if (!(ratio >= 0 && ratio <= 1)) throw new RangeError(`ratio is ${ratio}; it must be from 0 to 1.`)
  return <I, O>(next: Handler<I, O>, target: Target): Handler<I, O> => {
    if (sink === undefined) return next
    const name = `${target.name}/${target.operation}`
    const kind = SPAN_KIND[target.kind]
    const fields: Fields = { target: target.name, operation: target.operation }
    const streaming = target.streaming === true
    return async (input, ctx) => {
      const trace = spanOf(ctx, target.kind, ratio)
      const own = ctx.child({ trace })
      // The parent is settled by whoever runs the call; listeners on the context that the handler sees must hear of it.
      ctx.onSettled(outcome => own.settle(outcome))
      const clock = ctx.runtime.clock
      const startMs = clock.now()
      const start = clock.monotonic()
      return runToEnd(next, input, own, streaming, outcome => {
        own.settle(outcome)
        if (!trace.sampled) return
        const endMs = startMs + clock.monotonic() - start
        const { traceId, spanId, parentSpanId } = trace
        const failure = failureOf(outcome)
        sink.record({ name, kind, traceId, spanId, parentSpanId, startMs, endMs, fields, failure })
      })
    }
  }
}

function spanOf(ctx: Context, kind: TargetKind, ratio: number): TraceContext {
  const { trace, runtime } = ctx
  const isRoot = trace.remote !== true && trace.parentSpanId === undefined && ctx.get(begun) !== true
  if (!isRoot) return childSpan(trace, runtime.random)
  const sampled = trace.sampled && keeps(trace.traceId, ratio)
  // A client may be called several times in one context: its calls are siblings below a root that nobody records.
  if (kind === 'client') return { ...childSpan(trace, runtime.random), sampled }
  ctx.set(begun, true)
  return { ...trace, sampled }
}

/** The last 56 bits of a trace id are random (W3C Trace Context, level 2, section 5.1.2); 52 of them fit a number. */
function keeps(traceId: string, ratio: number): boolean {
  return ratio === 1 || Number.parseInt(traceId.slice(-13), 16) < ratio * 2 ** 52
}

function failureOf(outcome: Outcome): string | undefined {
  return outcome.ok ? undefined : outcome.fault.code
}
