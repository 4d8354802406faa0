import { type Attribute, attribute, type Context } from './context.ts'
import { formatTraceparent } from './trace.ts'

/** What made something happen: kept with every stored event and every published message. */
export interface Cause {
  /** One id for everything that follows from one request. */
  readonly correlationId: string
  /** Id of the request, message or timer that caused it directly. */
  readonly causationId: string
  /** Subject of the identity that asked; `anonymous` for a caller without one. */
  readonly actor: string
  /** W3C trace context of the work that did it. */
  readonly traceparent: string
}

/** Set by whatever starts work on behalf of something earlier (a consumer, a timer, a request that names its correlation id). */
export const origin: Attribute<Partial<Cause>> = attribute('origin')

/**
 * The cause of what a call does. Where `origin` says nothing: the trace id correlates, the span id is the causation and the identity's subject
 * the actor.
 */
export function causeOf(ctx: Context): Cause {
  const set = ctx.get(origin)
  const trace = ctx.trace
  return {
    correlationId: set?.correlationId ?? trace.traceId,
    causationId: set?.causationId ?? trace.spanId,
    actor: set?.actor ?? ctx.identity?.subject ?? 'anonymous',
    traceparent: formatTraceparent(trace),
  }
}
