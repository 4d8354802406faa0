import type { Allow } from './allow.ts'
import type { Context } from './context.ts'

/**
 * Whatever answers something: a server method, a client call, a gateway route, a message consumer, a saga step, a job.
 * A stream is an `AsyncIterable` in `I` or in `O`; the promise of a streaming handler resolves when the stream starts.
 */
export type Handler<I, O> = (input: I, ctx: Context) => Promise<O>

/** On which side of which boundary a handler stands. */
export type TargetKind = 'server' | 'client' | 'consumer' | 'timer' | 'job' | 'saga-step' | 'route'

/** What a middleware wraps. Known when the chain is composed, so that nothing is looked up per call. */
export interface Target {
  readonly kind: TargetKind
  /** Full name of the contract, topic, job or route, such as `shop.orders.v1.Orders`. */
  readonly name: string
  /** Operation within the name, such as `create`; the group for a consumer. */
  readonly operation: string
  /** The operation changes nothing, so that it may be repeated. */
  readonly readonly?: boolean
  /** Repeating the operation has the effect of doing it once. */
  readonly idempotent?: boolean
  /** The operation answers with a stream, or takes one. */
  readonly streaming?: boolean
  /** Who may call. A server refuses an operation that does not say. */
  readonly allow?: Allow
}

/** Wraps a handler for a target. Applied once per target when a service is put together, never per call. */
export type Middleware = <I, O>(next: Handler<I, O>, target: Target) => Handler<I, O>

/**
 * Composes middleware into one; the first is the outermost.
 *
 * @example
 * const wrap = chain(traced(tracer), deadline(), retry())
 * const handler = wrap(callRemote, { kind: 'client', name: 'shop.users.v1.Users', operation: 'get' })
 */
export function chain(...middleware: readonly Middleware[]): Middleware {
  return (next, target) => middleware.reduceRight((inner, wrap) => wrap(inner, target), next)
}
