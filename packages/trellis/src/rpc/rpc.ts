/** Contracts over the wire: what servers, clients and transports share. */
import type { Contract, OperationFunction } from '../contract/contract.ts'
import type { Operation } from '../contract/operation.ts'
import type { Context } from '../kernel/context.ts'
import type { Fault } from '../kernel/fault.ts'
import type { Handler, Target } from '../kernel/handler.ts'
import type { ResponseInfo } from './response-info.ts'

/** One operation of a contract, on either side of the wire. */
export interface Method {
  readonly contract: Contract
  /** Name of the operation in the contract, such as `addItem`. */
  readonly name: string
  readonly operation: Operation
  readonly target: Target
}

/** A method that can be called: everything between the wire and the implementation is in `invoke`. */
export interface ServerMethod extends Method {
  /** Middleware, authorisation, validation of input and output, and the implementation. For a stream the promise resolves with an `AsyncIterable`. */
  readonly invoke: Handler<unknown, unknown>
}

/** Carries calls to where they are served. */
export interface Transport {
  /** A handler that carries out calls of a method; made once per method. For a stream its promise resolves with an `AsyncIterable`. */
  handler(method: Method): Handler<unknown, unknown>
}

/** In place of an input: the transport could not make one of what it received. Middleware sees the call; then its fault is thrown. */
export class Refusal {
  readonly fault: Fault
  constructor(fault: Fault) {
    this.fault = fault
  }
}

/** Options of one call. */
export interface CallOptions {
  /** Milliseconds that the call may take. Default: the operation's, else 5,000 for unary calls and no limit for streams. A deadline above always holds. */
  readonly timeoutMs?: number
  /** Names this call for operations that are idempotent by key. Default: a new one per call, which its retries share. */
  readonly idempotencyKey?: string
  /** Cancels the call. */
  readonly signal?: AbortSignal
  /** Receives what the answer has beside its output, such as its HTTP status. */
  readonly info?: ResponseInfo
}

/** A typed client: one function for each operation. */
export type Client<C extends Contract = Contract> = {
  readonly [Name in keyof C['operations']]: OperationFunction<C['operations'][Name], [options?: CallOptions]>
}

/** The functions that implement a contract, each with a context of type `Ctx`. */
export type Handlers<C extends Contract, Ctx extends Context = Context> = {
  readonly [Name in keyof C['operations']]: OperationFunction<C['operations'][Name], [ctx: Ctx]>
}
