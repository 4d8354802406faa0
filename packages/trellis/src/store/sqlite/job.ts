import { Fault, isFault } from '../../kernel/index.ts'
import type { Transaction } from '../store.ts'
import type { Commit } from './flush.ts'
import type { SqliteTransaction } from './transaction.ts'

/** A transaction that was asked for: its body, and what became of it. */
export class Job implements Commit {
  readonly body: (tx: Transaction) => Promise<unknown>
  readonly maxHoldMs: number
  /** Time of the monotonic clock, milliseconds. */
  readonly askedAt: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  /** Set when it must not go on. */
  stopped: Fault | undefined
  tx: SqliteTransaction | undefined
  value: unknown
  error: unknown
  failed = false
  unlisten: (() => void) | undefined

  constructor(
    body: (tx: Transaction) => Promise<unknown>,
    maxHoldMs: number,
    askedAt: number,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.body = body
    this.maxHoldMs = maxHoldMs
    this.askedAt = askedAt
    this.resolve = resolve
    this.reject = reject
  }

  durable(): void {
    const listeners = this.tx?.listeners
    if (listeners !== undefined) for (const listener of listeners) callListener(listener)
    this.resolve(this.value)
  }

  unknown(fault: Fault): void {
    this.reject(fault)
  }
}

/** Why a transaction ends that its caller gave up. */
export function abortFault(signal: AbortSignal): Fault {
  if (isFault(signal.reason)) return signal.reason
  return new Fault('cancelled', 'The transaction was given up before its commit; nothing of it was kept.', {
    cause: signal.reason,
  })
}

function callListener(listener: () => void): void {
  try {
    listener()
  } catch (error) {
    // The commit stands; a listener's bug must be seen and must not look like a failed transaction.
    void Promise.reject(error)
  }
}
