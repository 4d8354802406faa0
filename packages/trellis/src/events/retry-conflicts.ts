import { isFault } from '../kernel/fault.ts'
import { type Runtime, sleep } from '../kernel/runtime.ts'

/** How often and how fast a lost race is run again. */
export interface RetryConflictsOptions {
  /** Runs in total. Default 5: a race is lost that often in a row only on an aggregate that is too hot for this design. */
  readonly attempts?: number
  /** Longest wait before the second run, in milliseconds; doubles with each run, and the wait is random below it. Default 5. */
  readonly baseMs?: number
}

/**
 * Runs `work` again when it lost a race for a version: for commands that may be applied in any order. `work` is the whole transaction, since its
 * reads must be repeated. A conflict with a version that the caller named is passed on: running again would not mend it.
 *
 * @example
 * await retryConflicts(ctx.runtime, () => store.transaction(tx => events.aggregate(tx, Order, id, cause).execute(command)))
 */
export async function retryConflicts<T>(
  runtime: Runtime,
  work: () => Promise<T>,
  options: RetryConflictsOptions = {},
): Promise<T> {
  const { attempts = 5, baseMs = 5 } = options
  if (!Number.isInteger(attempts) || attempts < 1)
    throw new RangeError(`attempts is ${attempts}; use a whole number from 1 on.`)
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= attempts || !isFault(error, 'VERSION_CONFLICT') || !error.retryable) throw error
    }
    await sleep(runtime, runtime.random.next() * baseMs * 2 ** (attempt - 1))
  }
}
