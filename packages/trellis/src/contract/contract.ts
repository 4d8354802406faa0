/**
 * A contract is data: inert, importable by a browser. Types, validation, REST and OpenAPI, gRPC, clients, docs and the compatibility gate
 * all derive from it.
 */
import type { Operation } from './operation.ts'

/** Operations by name. */
export type Operations = Readonly<Record<string, Operation<never, unknown> | Operation>>

/** A named set of operations. Made by `contract`. */
export interface Contract<Ops extends Operations = Operations> {
  /** Full protobuf service name with its major version, such as `shop.orders.v1.Orders`. */
  readonly name: string
  /** Name of the service that provides it, for discovery. Default: the last package segment that is not a version (`orders`). */
  readonly service: string
  readonly operations: Ops
  readonly description: string | undefined
}

/** What the caller of an operation gives. */
export type InputOf<Op> = Op extends Operation<infer I, infer _O, infer _K> ? I : never

/** What the caller of an operation gets. */
export type OutputOf<Op> = Op extends Operation<infer _I, infer O, infer _K> ? O : never

/** How an operation looks as a function with `Extra` as its second argument, for clients (call options) and for handlers (a context). */
export type OperationFunction<Op, Extra extends unknown[]> =
  Op extends Operation<infer I, infer O, infer K>
    ? K extends 'unary'
      ? (input: I, ...extra: Extra) => Promise<O>
      : K extends 'server-stream'
        ? (input: I, ...extra: Extra) => AsyncIterable<O>
        : K extends 'client-stream'
          ? (input: AsyncIterable<I>, ...extra: Extra) => Promise<O>
          : (input: AsyncIterable<I>, ...extra: Extra) => AsyncIterable<O>
    : never
