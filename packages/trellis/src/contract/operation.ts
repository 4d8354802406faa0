import type { Allow } from '../kernel/allow.ts'
import type { Schema } from '../schema/schema.ts'
import type { FaultType } from './fault-type.ts'

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
  /** Members of an item that make up `data:`, when the rest is said by `event:` and `id:`. Default: the whole item. */
  readonly data?: readonly string[]
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
