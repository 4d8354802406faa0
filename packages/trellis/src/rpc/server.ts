/** The server of contracts, whatever the protocol: composes what stands between the wire and an implementation, once per method. */
import { parseHttpPattern } from '../contract/http-pattern.ts'
import type { Operation } from '../contract/operation.ts'
import type { CallContext, Context } from '../kernel/context.ts'
import { untilCancelled } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { Handler, Middleware } from '../kernel/handler.ts'
import { chain } from '../kernel/handler.ts'
import type { IdempotencyKeys } from '../resilience/idempotency.ts'
import { validator } from '../schema/validator.ts'
import type { Implementation } from './implement.ts'
import { method, streamedInput } from './method.ts'
import type { Method, ServerMethod } from './rpc.ts'
import { Refusal } from './rpc.ts'

/** What a server is made of. */
export interface RpcServerOptions<Ctx extends Context = Context> {
  readonly implementations: readonly Implementation<Ctx>[]
  /** Enforces `target.allow`. There is no default: a server that enforces nothing would have to say so itself. */
  readonly authorize: Middleware
  /** Makes the context that implementations get. Default: they get the plain one. */
  readonly context?: (ctx: Context, method: Method) => Ctx
  /** Around everything, refused calls included; the first is the outermost: tracing, metrics, access log. */
  readonly middleware?: readonly Middleware[]
  /** Makes operations that are idempotent by key act once per key. Required when there is one, or its promise would be empty. */
  readonly idempotency?: Pick<IdempotencyKeys, 'wrap'>
  /** Around the implementation alone, after authorisation and with valid input. */
  readonly inner?: readonly Middleware[]
}

/** Methods that can be called, for the transports. */
export interface RpcServer {
  readonly methods: readonly ServerMethod[]
}

/**
 * Composes the methods of a server. Throws a `TypeError` when a contract is implemented twice.
 *
 * @example
 * const server = createRpcServer({ implementations: [implement(Users, { get })], authorize })
 * const http = createHttpServer(runtime, { handler: createHttpJsonHandler(runtime, server).handle })
 */
export function createRpcServer<Ctx extends Context = Context>(options: RpcServerOptions<Ctx>): RpcServer {
  if (typeof options.authorize !== 'function') {
    throw new TypeError('A server needs authorize: it decides who may call; without it every operation would be open.')
  }
  const names = new Set<string>()
  const methods: ServerMethod[] = []
  for (const { contract, handlers } of options.implementations) {
    if (names.has(contract.name)) throw new TypeError(`${contract.name} is implemented twice; leave one out.`)
    names.add(contract.name)
    for (const name of Object.keys(contract.operations)) {
      methods.push(serverMethod(method(contract, name, 'server'), handlers[name] as Call<Ctx>, options))
    }
  }
  return { methods }
}

type Call<Ctx> = (input: unknown, ctx: Ctx) => unknown

function serverMethod<Ctx extends Context>(own: Method, call: Call<Ctx>, options: RpcServerOptions<Ctx>): ServerMethod {
  const { target } = own
  const toContext = options.context ?? (ctx => ctx as Ctx)
  const implementation: Handler<unknown, unknown> = async (input, ctx) => call(input, toContext(ctx, own))
  const inner = chain(...(options.inner ?? []))(implementation, target)
  const once = own.operation.idempotent === 'key' ? keyed(own, inner, options.idempotency) : inner
  const guarded = options.authorize(validated(own, once), target)
  const received: Handler<unknown, unknown> = (input, ctx) =>
    input instanceof Refusal ? Promise.reject(input.fault) : guarded(input, ctx)
  return { ...own, invoke: chain(...(options.middleware ?? []))(received, target) }
}

/** Acts once per idempotency key. What the path names is part of the scope: the same key on another thing is another key. */
function keyed(
  own: Method,
  next: Handler<unknown, unknown>,
  keys: RpcServerOptions['idempotency'],
): Handler<unknown, unknown> {
  const { contract, name, operation } = own
  const operationName = `${contract.name}/${name}`
  if (keys === undefined) throw new TypeError(`${operationName} is idempotent by key; give the server 'idempotency'.`)
  if (operation.kind !== 'unary' || operation.statuses.length > 1) {
    throw new TypeError(
      `${operationName} is idempotent by key; then it is unary and has one status, since only its output is kept.`,
    )
  }
  const parameters = operation.http === undefined ? [] : parseHttpPattern(operation.http).parameters
  return keys.wrap(next, own.target, input =>
    JSON.stringify(parameters.map(parameter => (input as Record<string, unknown>)[parameter])),
  )
}

/** Checks what goes in and what comes out; whatever stands inside gets valid input only. */
function validated(own: Method, next: Handler<unknown, unknown>): Handler<unknown, unknown> {
  const operation: Operation = own.operation
  const check = validator(operation.input, { side: 'input' })
  const checkAnswer = validator(operation.output, { side: 'output' })
  switch (operation.kind) {
    case 'unary':
      return async (input, ctx) => checkAnswer(await next(check(input), ctx))
    case 'server-stream':
      return async (input, ctx) => checkedItems((await next(check(input), ctx)) as AsyncIterable<unknown>, checkAnswer)
    case 'client-stream':
    case 'bidi-stream':
      return () => Promise.reject(streamedInput(own))
  }
}

async function* checkedItems(
  items: AsyncIterable<unknown>,
  check: (value: unknown) => unknown,
): AsyncGenerator<unknown> {
  for await (const item of items) yield check(item)
}

/** Carries out a unary call for a transport: no longer than the context lasts, and settles it. Rejects with a `Fault`. */
export async function serveUnary(served: ServerMethod, input: unknown, ctx: CallContext): Promise<unknown> {
  try {
    const output = await untilCancelled(ctx, served.invoke(input, ctx))
    ctx.settle({ ok: true })
    return output
  } catch (error) {
    const fault = Fault.from(error)
    ctx.settle({ ok: false, fault })
    throw fault
  }
}

/**
 * Carries out a streaming call for a transport, and settles its context when the stream is over. The stream ends as soon as the context is
 * cancelled; the implementation is told, and not waited for. Throws a `Fault`.
 */
export async function* serveStream(served: ServerMethod, input: unknown, ctx: CallContext): AsyncGenerator<unknown> {
  let iterator: AsyncIterator<unknown> | undefined
  let over = false
  try {
    const items = (await untilCancelled(ctx, served.invoke(input, ctx))) as AsyncIterable<unknown>
    iterator = items[Symbol.asyncIterator]()
    for (;;) {
      const result = await untilCancelled(ctx, iterator.next())
      if (result.done === true) break
      yield result.value
    }
    over = true
    ctx.settle({ ok: true })
  } catch (error) {
    const fault = Fault.from(error)
    ctx.settle({ ok: false, fault })
    throw fault
  } finally {
    if (!over) {
      const gone = readerGone()
      ctx.cancel(gone)
      ctx.settle({ ok: false, fault: gone })
      // Not awaited: a generator that hangs in its work takes the order only after it; its failure has nobody left to hear it.
      iterator?.return?.()?.catch(() => undefined)
    }
  }
}

/** Why a stream was cancelled whose reader stopped. */
export function readerGone(): Fault {
  return new Fault('cancelled', 'The caller went away.', { reason: 'CALLER_GONE' })
}
