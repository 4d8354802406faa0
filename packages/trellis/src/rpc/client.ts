/**
 * Typed clients. A contract's client is a class made once, whose instances hold nothing but the context they are bound to: binding one to the
 * context of a call costs an allocation. Hot path: an in-process call is measured in bench/.
 */
import type { Contract } from '../contract/contract.ts'
import type { Operation } from '../contract/operation.ts'
import type { Context, ContextOptions } from '../kernel/context.ts'
import { CallContext } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { Handler, Middleware } from '../kernel/handler.ts'
import { chain } from '../kernel/handler.ts'
import type { Runtime } from '../kernel/runtime.ts'
import { idempotencyKey } from '../resilience/idempotency-key.ts'
import { defaultTimeoutMs, method } from './method.ts'
import { responseInfo } from './response-info.ts'
import type { CallOptions, Client, Transport } from './rpc.ts'

/** What a client is made of. */
export interface ClientOptions {
  readonly transport: Transport
  /** Around each call; the first is the outermost. Retries stand inside tracing of the call and outside that of the attempt. */
  readonly middleware?: readonly Middleware[]
}

const BIND: unique symbol = Symbol('bind')
const CONTEXT: unique symbol = Symbol('context')

interface Bindable {
  readonly [CONTEXT]: Context | undefined
  [BIND](ctx: Context): Bindable
}

/**
 * Makes a client whose calls stand for themselves: for tests and tools. Inside a service bind it to the context of the call that is being served.
 *
 * @example
 * const users = createClient(runtime, Users, { transport })
 * const user = await users.get({ userId: 'u-1' })
 */
export function createClient<C extends Contract>(runtime: Runtime, contract: C, options: ClientOptions): Client<C> {
  class BoundClient implements Bindable {
    readonly [CONTEXT]: Context | undefined
    constructor(ctx: Context | undefined) {
      this[CONTEXT] = ctx
    }
    [BIND](ctx: Context): Bindable {
      return new BoundClient(ctx)
    }
  }
  for (const name of Object.keys(contract.operations)) {
    const own = method(contract, name, 'client')
    const handler = chain(...(options.middleware ?? []))(options.transport.handler(own), own.target)
    const call = own.operation.kind === 'unary' ? unaryCall : streamCall
    Object.defineProperty(BoundClient.prototype, name, {
      enumerable: true,
      value(this: Bindable, input: unknown, callOptions?: CallOptions): unknown {
        return call(handler, startCall(runtime, own.operation, this[CONTEXT], callOptions), input, callOptions)
      },
    })
  }
  return new BoundClient(undefined) as unknown as Client<C>
}

/**
 * The same client, whose calls are part of the call that `ctx` belongs to: they end with it, and pass on its identity, trace and baggage.
 */
export function bindClient<C extends Contract>(client: Client<C>, ctx: Context): Client<C> {
  return (client as unknown as Bindable)[BIND](ctx) as unknown as Client<C>
}

function startCall(
  runtime: Runtime,
  operation: Operation,
  parent: Context | undefined,
  options: CallOptions | undefined,
): CallContext {
  const timeoutMs = options?.timeoutMs ?? defaultTimeoutMs(operation)
  const contextOptions: ContextOptions = timeoutMs === undefined ? NO_OPTIONS : { timeoutMs }
  const ctx = parent === undefined ? new CallContext(runtime, contextOptions) : parent.child(contextOptions)
  // The caller's own key and answer are not those of this call, though attributes are inherited.
  const key = options?.idempotencyKey ?? (operation.idempotent === 'key' ? runtime.random.id() : undefined)
  if (key !== undefined || parent?.get(idempotencyKey) !== undefined) ctx.set(idempotencyKey, key)
  if (options?.info !== undefined || parent?.get(responseInfo) !== undefined) ctx.set(responseInfo, options?.info)
  return ctx
}

const NO_OPTIONS: ContextOptions = Object.freeze({})

async function unaryCall(
  handler: Handler<unknown, unknown>,
  ctx: CallContext,
  input: unknown,
  options: CallOptions | undefined,
): Promise<unknown> {
  if (options?.signal !== undefined) cancelOnAbort(ctx, options.signal)
  try {
    const output = await handler(input, ctx)
    ctx.settle(OK)
    return output
  } catch (error) {
    const fault = Fault.from(error)
    ctx.settle({ ok: false, fault })
    throw fault
  }
}

const OK = Object.freeze({ ok: true as const })

async function* streamCall(
  handler: Handler<unknown, unknown>,
  ctx: CallContext,
  input: unknown,
  options: CallOptions | undefined,
): AsyncGenerator<unknown> {
  if (options?.signal !== undefined) cancelOnAbort(ctx, options.signal)
  try {
    for await (const item of (await handler(input, ctx)) as AsyncIterable<unknown>) yield item
    ctx.settle(OK)
  } catch (error) {
    const fault = Fault.from(error)
    ctx.settle({ ok: false, fault })
    throw fault
  } finally {
    const stopped = new Fault('cancelled', 'The reader of the stream stopped.', { reason: 'READER_STOPPED' })
    ctx.cancel(stopped) // Both do nothing when the stream ended by itself.
    ctx.settle({ ok: false, fault: stopped })
  }
}

function cancelOnAbort(ctx: CallContext, signal: AbortSignal): void {
  const abort = (): void => {
    const cause: unknown = signal.reason
    ctx.cancel(new Fault('cancelled', 'The caller aborted the call.', { reason: 'CALLER_ABORTED', cause }))
  }
  if (signal.aborted) {
    abort()
    return
  }
  signal.addEventListener('abort', abort, { once: true })
  ctx.onSettled(() => signal.removeEventListener('abort', abort))
}
