/**
 * Calls within the process, with the same checks as over the wire: values are isolated, input and output validated, deadline and cancellation carried,
 * faults stripped of their cause. Attributes of the caller do not reach the callee.
 */
import type { CallContext, Context } from '../../kernel/context.ts'
import { throwIfCancelled } from '../../kernel/context.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Handler } from '../../kernel/handler.ts'
import type { Identity } from '../../kernel/identity.ts'
import { checkIdempotencyKey, idempotencyKey } from '../../resilience/idempotency-key.ts'
import { responseInfo } from '../response-info.ts'
import type { Method, ServerMethod, Transport } from '../rpc.ts'
import type { RpcServer } from '../server.ts'
import { serveStream, serveUnary } from '../server.ts'
import { isolate } from './isolate.ts'

/** How calls pass from caller to callee. */
export interface MemoryTransportOptions {
  /** The identity that the callee sees. Default: the caller's. */
  readonly identity?: (ctx: Context, method: Method) => Identity | undefined
}

/**
 * A transport to servers in this process. A call of a method that none of them has is `unimplemented`.
 *
 * @example
 * const users = createClient(runtime, Users, { transport: createMemoryTransport([server]) })
 */
export function createMemoryTransport(servers: readonly RpcServer[], options: MemoryTransportOptions = {}): Transport {
  const identity = options.identity ?? (ctx => ctx.identity)
  return {
    handler(method) {
      let served: ServerMethod | undefined
      const find = (): ServerMethod => {
        served ??= findMethod(servers, method)
        return served
      }
      return method.operation.kind === 'unary'
        ? unaryHandler(find, method, identity)
        : streamHandler(find, method, identity)
    },
  }
}

type PassIdentity = (ctx: Context, method: Method) => Identity | undefined

function findMethod(servers: readonly RpcServer[], { contract, name }: Method): ServerMethod {
  for (const server of servers) {
    for (const served of server.methods) {
      if (served.name === name && served.contract.name === contract.name) return served
    }
  }
  throw new Fault('unimplemented', `No service in this process provides ${contract.name}/${name}.`, {
    reason: 'UNKNOWN_OPERATION',
  })
}

function unaryHandler(find: () => ServerMethod, method: Method, identity: PassIdentity): Handler<unknown, unknown> {
  return async (input, ctx) => {
    throwIfCancelled(ctx)
    const served = find()
    const callee = arrive(ctx, method, identity)
    try {
      const output = isolate(await serveUnary(served, isolate(input), callee))
      answerInfo(ctx, callee)
      return output
    } catch (error) {
      throw stripped(Fault.from(error))
    }
  }
}

function streamHandler(find: () => ServerMethod, method: Method, identity: PassIdentity): Handler<unknown, unknown> {
  return async (input, ctx) => {
    throwIfCancelled(ctx)
    return stream(find(), isolate(input), arrive(ctx, method, identity))
  }
}

async function* stream(served: ServerMethod, input: unknown, callee: CallContext): AsyncGenerator<unknown> {
  try {
    for await (const item of serveStream(served, input, callee)) yield isolate(item)
  } catch (error) {
    throw stripped(Fault.from(error))
  }
}

/** The context of the callee: what the wire would carry, and nothing else. It is cancelled with the caller's. */
function arrive(ctx: Context, method: Method, identity: PassIdentity): CallContext {
  const callee = ctx.child({ identity: identity(ctx, method), boundary: true })
  const key = ctx.get(idempotencyKey)
  if (key !== undefined) callee.set(idempotencyKey, checkIdempotencyKey(key))
  if (method.operation.statuses.length > 1) callee.set(responseInfo, {})
  return callee
}

function answerInfo(ctx: Context, callee: Context): void {
  const asked = ctx.get(responseInfo)
  const status = asked === undefined ? undefined : callee.get(responseInfo)?.status
  if (asked !== undefined && status !== undefined) asked.status = status
}

/** The fault as the wire would carry it. */
function stripped(fault: Fault): Fault {
  return new Fault(fault.code, fault.message, {
    reason: fault.reason,
    details: isolate(fault.details),
    retryable: fault.retryable,
    retried: fault.retried,
    ...(fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs }),
  })
}
