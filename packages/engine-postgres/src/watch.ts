import { Fault, isFault, type Runtime } from 'trellis/kernel'
import type { TransactionOptions } from 'trellis/store'
import { tooLongFault } from './faults.ts'
import type { PostgresTransaction } from './transaction.ts'

/** Looks after one run of a body. */
export interface Watch {
  readonly stopped: Promise<never>
  fault: Fault | undefined
  cancel(): void
}

/** Stops a body that holds too long or whose caller gave up. `stopped` never resolves. */
export function watch(runtime: Runtime, tx: PostgresTransaction, options: TransactionOptions): Watch {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => undefined) // it may be rejected after everything else has ended
  const stop = (fault: Fault, why: string): void => {
    watched.fault = fault
    tx.end(why)
    reject(fault)
  }
  const cancelTimer = runtime.timers.after(options.maxHoldMs ?? 1_000, () =>
    stop(tooLongFault(), 'it held the database for too long'),
  )
  const { signal } = options
  const onAbort = (): void => {
    if (signal !== undefined) stop(abortFault(signal), 'its caller gave up')
  }
  const watched: Watch = {
    stopped: promise,
    fault: undefined,
    cancel: () => {
      cancelTimer()
      signal?.removeEventListener('abort', onAbort)
    },
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted === true) onAbort()
  return watched
}

/** Why a transaction ends that its caller gave up. */
export function abortFault(signal: AbortSignal): Fault {
  if (isFault(signal.reason)) return signal.reason
  return new Fault('cancelled', 'The transaction was given up before its commit; nothing of it was kept.', {
    cause: signal.reason,
  })
}
