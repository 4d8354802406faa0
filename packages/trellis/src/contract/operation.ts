import type { Schema } from '../schema/schema.ts'
import type { FaultType } from './fault-type.ts'

/** Who may call. There is no default that lets everyone in: an operation without it is not callable from outside (`trellis check` refuses it at the gateway). */
export type Allow =
  | { readonly kind: 'public' }
  | { readonly kind: 'signed-in' }
  | { readonly kind: 'permission'; readonly permission: string }
  | { readonly kind: 'own'; readonly permission: string }
  | { readonly kind: 'internal' }

/** How many messages flow each way (gRPC's four kinds). */
export type OperationKind = 'unary' | 'server-stream' | 'client-stream' | 'bidi-stream'

/** One thing that a contract offers: inert data. Made by `unary`, `serverStream`, `clientStream`, `bidiStream`. */
export interface Operation<I = unknown, O = unknown, K extends OperationKind = OperationKind> {
  readonly kind: K
  readonly input: Schema<I>
  readonly output: Schema<O>
  /** Faults that callers may rely on, by name. */
  readonly faults: Readonly<Record<string, FaultType>>
  /** REST route, such as `POST /orders/{orderId}/items`; undefined: not offered as REST. */
  readonly http: string | undefined
  /** HTTP status of success. */
  readonly status: number
  readonly readonly: boolean
  /** `key`: repeated calls with one idempotency key act once; `natural`: repeating is harmless by itself; false: neither. */
  readonly idempotent: 'key' | 'natural' | false
  readonly allow: Allow
  /** Why not to use it any more and what instead. */
  readonly deprecated: string | undefined
  readonly summary: string | undefined
  readonly description: string | undefined
  /** Deadline when the caller sets none, in milliseconds; undefined: the platform's 5,000. */
  readonly timeoutMs: number | undefined
}

/** What an operation is declared with. */
export interface OperationOptions<I, O> {
  readonly input: Schema<I>
  readonly output: Schema<O>
  readonly faults?: Readonly<Record<string, FaultType>>
  readonly http?: string
  /** Default: 200 (204 when the output is empty). */
  readonly status?: number
  /** Changes nothing. Default: true for a GET route, else false. */
  readonly readonly?: boolean
  /** Default: `natural` for GET, PUT and DELETE routes (RFC 9110, section 9.2.2), else false. */
  readonly idempotent?: 'key' | 'natural' | false
  /** `'public'`, `'signed-in'`, `'internal'` (other services only), a permission such as `catalog:write`, or `own('orders:read')`. */
  readonly allow: 'public' | 'signed-in' | 'internal' | (string & {}) | Allow
  readonly deprecated?: string
  readonly summary?: string
  readonly description?: string
  readonly timeoutMs?: number
}
