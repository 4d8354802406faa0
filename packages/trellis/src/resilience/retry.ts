import type { Context } from '../kernel/context.ts'
import { remainingMs } from '../kernel/context.ts'
import { Fault, markRetried } from '../kernel/fault.ts'
import type { Handler, Middleware, Target } from '../kernel/handler.ts'
import { sleep } from '../kernel/runtime.ts'
import { attemptedInstances } from './attempted-instances.ts'
import type { Backoff } from './backoff.ts'
import { exponential } from './backoff.ts'
import type { RetryBudgetOptions } from './retry-budget.ts'
import { RetryBudget } from './retry-budget.ts'

/** How calls are repeated. */
export interface RetryOptions {
  /** Attempts in all. Default 3. */
  readonly attempts?: number
  /** Default: `exponential()`. A longer `retryAfterMs` of the fault holds instead. */
  readonly backoff?: Backoff
  /** Each contract that is called has a budget of its own. */
  readonly budget?: RetryBudgetOptions
}

/**
 * Repeats calls that failed for a passing reason: only of operations that are `readonly` or `idempotent`, only while the deadline leaves time, never
 * after the first item of a stream, and no more than the budget allows. Each attempt has a context of its own. A fault that was retried here, or
 * that the budget kept from being retried, is marked so that no policy above retries it again.
 *
 * @example
 * const users = createClient(runtime, Users, { transport, middleware: [retry()] })
 */
export function retry(options: RetryOptions = {}): Middleware {
  const attempts = options.attempts ?? 3
  if (!Number.isSafeInteger(attempts) || attempts < 1) {
    throw new RangeError(`attempts is ${attempts}; it must be a whole number of at least 1.`)
  }
  const backoff = options.backoff ?? exponential()
  const budgets = new Map<string, RetryBudget>()
  return <I, O>(next: Handler<I, O>, target: Target): Handler<I, O> => {
    if (target.readonly !== true && target.idempotent !== true) return next
    let budget = budgets.get(target.name)
    if (budget === undefined) {
      budget = new RetryBudget(options.budget)
      budgets.set(target.name, budget)
    }
    const policy: Policy = { attempts, backoff, budget }
    if (target.streaming !== true) return (input, ctx) => repeat(next, input, ctx, policy)
    return async (input, ctx) => {
      // A stream of inputs can't be sent twice.
      if (isAsyncIterable(input)) return next(input, ctx)
      return repeatStream(next as Handler<I, unknown>, input, ctx, policy) as O
    }
  }
}

interface Policy {
  readonly attempts: number
  readonly backoff: Backoff
  readonly budget: RetryBudget
}

const OK = Object.freeze({ ok: true as const })

async function repeat<I, O>(next: Handler<I, O>, input: I, ctx: Context, policy: Policy): Promise<O> {
  begin(ctx, policy)
  for (let attempt = 1; ; attempt++) {
    const own = ctx.child()
    try {
      const output = await next(input, own)
      own.settle(OK)
      return output
    } catch (error) {
      const fault = Fault.from(error)
      own.settle({ ok: false, fault })
      await pauseOrThrow(fault, attempt, ctx, policy)
    }
  }
}

async function* repeatStream<I>(
  next: Handler<I, unknown>,
  input: I,
  ctx: Context,
  policy: Policy,
): AsyncGenerator<unknown> {
  begin(ctx, policy)
  for (let attempt = 1; ; attempt++) {
    const own = ctx.child()
    let begun = false
    try {
      for await (const item of (await next(input, own)) as AsyncIterable<unknown>) {
        begun = true
        yield item
      }
      own.settle(OK)
      return
    } catch (error) {
      const fault = Fault.from(error)
      own.settle({ ok: false, fault })
      if (begun) throw fault
      await pauseOrThrow(fault, attempt, ctx, policy)
    } finally {
      // Both do nothing when the attempt ended by itself.
      const stopped = new Fault('cancelled', 'The reader of the stream stopped.', { reason: 'READER_STOPPED' })
      own.cancel(stopped)
      own.settle({ ok: false, fault: stopped })
    }
  }
}

function begin(ctx: Context, { budget }: Policy): void {
  budget.deposit()
  ctx.set(attemptedInstances, new Set())
}

/** Waits until the next attempt is due, or throws the fault when there shall be none. */
async function pauseOrThrow(fault: Fault, attempt: number, ctx: Context, policy: Policy): Promise<void> {
  const given = attempt > 1 ? markRetried(fault) : fault
  if (!fault.retryable || fault.retried || attempt >= policy.attempts || ctx.cancelled !== undefined) throw given
  const delayMs = Math.max(fault.retryAfterMs ?? 0, policy.backoff.delayMs(attempt, ctx.runtime.random))
  const leftMs = remainingMs(ctx)
  if (leftMs !== undefined && delayMs >= leftMs) throw given
  if (!policy.budget.withdraw(ctx.runtime.clock)) throw markRetried(fault)
  if (delayMs > 0) await sleep(ctx.runtime, delayMs, ctx.signal)
}

function isAsyncIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
