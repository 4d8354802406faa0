import { toAllow } from './allow.ts'
import { checkOperation } from './check-operation.ts'
import { parseHttpPattern } from './http-pattern.ts'
import type { Operation, OperationKind, OperationOptions } from './operation.ts'

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
