import type { Context } from '../kernel/context.ts'
import type { Middleware, Target } from '../kernel/handler.ts'

const LOCAL: Target = { kind: 'client', name: 'local', operation: 'execute', idempotent: true }

/**
 * Runs any asynchronous function under a policy, without a service or a contract. The function counts as one that may be repeated; leave `retry` out
 * where it may not.
 *
 * @example
 * const policy = chain(retry(), deadline({ timeoutMs: 500 }))
 * const rate = await execute(policy, ctx, inner => readRate('EUR', inner.signal))
 */
export function execute<T>(policy: Middleware, ctx: Context, work: (ctx: Context) => Promise<T>): Promise<T> {
  return policy((_input: undefined, inner: Context) => work(inner), LOCAL)(undefined, ctx)
}
