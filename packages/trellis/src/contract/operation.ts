import type { Allow } from '../kernel/allow.ts'
import type { Schema } from '../schema/schema.ts'
import { toAllow } from './allow.ts'
import { checkOperation } from './check-operation.ts'
import type { FaultType } from './fault-type.ts'
import { parseHttpPattern } from './http-pattern.ts'

/** How many messages flow each way (gRPC's four kinds). */
export type OperationKind = 'unary' | 'server-stream' | 'client-stream' | 'bidi-stream'

/** Which members of a stream's items name the SSE event and its id. */
export interface SseMembers {
  /** Member whose value is the SSE `event:`; dots reach into members, such as `event.type`. Without it events have no name. */
  readonly event?: string
  /** Member whose value is the SSE `id:`, which a reader sends back as `last-event-id`. */
  readonly id?: string
  /** Optional member of the input that a reader's `last-event-id` fills in, so that the stream goes on after it. */
  readonly resume?: string
}

/** One thing that a contract offers: inert data. Made by `unary`, `serverStream`, `clientStream`, `bidiStream`. */
export interface Operation<I = unknown, O = unknown, K extends OperationKind = OperationKind> {
  readonly kind: K
  readonly input: Schema<I>
  readonly output: Schema<O>
  /** Faults that callers may rely on, by name. */
  readonly faults: Readonly<Record<string, FaultType>>
  /** REST route, such as `POST /orders/{orderId}/items`; undefined: not offered as REST. */
  readonly http: string | undefined
  /** HTTP status of success, unless the handler chooses another of `statuses`. */
  readonly status: number
  /** Every HTTP status of success; `status` is the first. */
  readonly statuses: readonly number[]
  readonly readonly: boolean
  /** `key`: repeated calls with one idempotency key act once; `natural`: repeating is harmless by itself; false: neither. */
  readonly idempotent: 'key' | 'natural' | false
  readonly allow: Allow
  /** Why not to use it any more and what instead. */
  readonly deprecated: string | undefined
  readonly summary: string | undefined
  readonly description: string | undefined
  /** Deadline when the caller sets none, in milliseconds; undefined: the platform's 5,000 for unary calls, none for streams. */
  readonly timeoutMs: number | undefined
  readonly sse: SseMembers | undefined
}

/** What an operation is declared with. */
export interface OperationOptions<I, O> {
  /** What the caller gives; an object. For a stream of inputs, one item. */
  readonly input: Schema<I>
  /** What the caller gets; an object. For a stream of outputs, one item. */
  readonly output: Schema<O>
  readonly faults?: Readonly<Record<string, FaultType>>
  readonly http?: string
  /** HTTP status of success, or several of which the handler chooses, the usual one first. Default: 200 (204 when the output has no members). */
  readonly status?: number | readonly number[]
  /** Changes nothing. Default: true for a GET route, else false. */
  readonly readonly?: boolean
  /** Default: `natural` for GET, PUT and DELETE routes (RFC 9110, section 9.2.2) and for what is `readonly`, else false. */
  readonly idempotent?: 'key' | 'natural' | false
  /** `'public'`, `'signed-in'`, `'internal'` (other services only), a permission such as `catalog:write`, or `own('orders:read')`. */
  readonly allow: 'public' | 'signed-in' | 'internal' | (string & {}) | Allow
  readonly deprecated?: string
  readonly summary?: string
  readonly description?: string
  readonly timeoutMs?: number
  /** For a server stream: how its items become SSE events. */
  readonly sse?: SseMembers
}

/**
 * Declares an operation with one input and one output. Name the types (`unary<OrderId, Order>`) so that editors and declaration files show
 * names in place of expanded types.
 *
 * @example
 * const OrderId = z.object({ orderId: z.string() })
 * interface OrderId extends Infer<typeof OrderId> {}
 * const get = unary<OrderId, Order>({ input: OrderId, output: Order, http: 'GET /orders/{orderId}', allow: own('orders:read') })
 */
export function unary<I, O>(options: OperationOptions<I, O>): Operation<I, O, 'unary'> {
  return operation('unary', options)
}

/** Declares an operation with one input and a stream of outputs: SSE or NDJSON over REST. */
export function serverStream<I, O>(options: OperationOptions<I, O>): Operation<I, O, 'server-stream'> {
  return operation('server-stream', options)
}

/** Declares an operation with a stream of inputs and one output. It has no REST form. */
export function clientStream<I, O>(options: OperationOptions<I, O>): Operation<I, O, 'client-stream'> {
  return operation('client-stream', options)
}

/** Declares an operation with a stream of inputs and a stream of outputs. It has no REST form. */
export function bidiStream<I, O>(options: OperationOptions<I, O>): Operation<I, O, 'bidi-stream'> {
  return operation('bidi-stream', options)
}

function operation<I, O, K extends OperationKind>(kind: K, options: OperationOptions<I, O>): Operation<I, O, K> {
  const http = options.http
  const method = http === undefined ? undefined : parseHttpPattern(http).method
  const readonly = options.readonly ?? method === 'GET'
  const natural = readonly || method === 'GET' || method === 'PUT' || method === 'DELETE'
  const empty = checkOperation(kind, options)
  const statuses = typeof options.status === 'number' ? [options.status] : (options.status ?? [empty ? 204 : 200])
  return Object.freeze({
    kind,
    input: options.input,
    output: options.output,
    faults: Object.freeze({ ...options.faults }),
    http,
    status: statuses[0]!,
    statuses: Object.freeze([...statuses]),
    readonly,
    idempotent: options.idempotent ?? (natural ? 'natural' : false),
    allow: toAllow(options.allow),
    deprecated: options.deprecated,
    summary: options.summary,
    description: options.description,
    timeoutMs: options.timeoutMs,
    sse: options.sse,
  })
}
