import type { Fault, FaultCode, Random } from '../kernel/index.ts'

/** What happens to a message whose handler failed. */
export type RetryDecision = { readonly kind: 'retry'; readonly delayMs: number } | { readonly kind: 'dead-letter' }

/** Decides after each failed attempt. `attempt` counts from 1 and includes the one that failed. */
export type RetryPolicy = (fault: Fault, attempt: number, random: Random) => RetryDecision

/** Options of `backoff`. */
export interface BackoffOptions {
  /** Bound of the first pause, milliseconds; it doubles with each attempt. Default 100. */
  readonly baseMs?: number
  /** Largest bound, milliseconds. Default 60,000. */
  readonly maxMs?: number
  /** Attempts while something that is needed is away (`unavailable`). Default 3,000: about a day on average, so that whoever mends it has no dead letters to redrive. */
  readonly awayAttempts?: number
  /** Attempts when something else is to blame: it was too slow or too busy, a race was lost. Default 40: about 16 minutes on average. */
  readonly transientAttempts?: number
  /** Attempts when the cause is unknown, such as an error in the code, which a roll-back of the release may cure. Default 14: about 3 minutes on average. */
  readonly unknownAttempts?: number
  /** Attempts when the message itself is refused. Default 4: less than a second, in case what it needs comes just behind it. */
  readonly permanentAttempts?: number
}

type Kind = 'away' | 'transient' | 'unknown' | 'permanent'

const KINDS: Readonly<Record<FaultCode, Kind>> = {
  unavailable: 'away',
  deadline_exceeded: 'transient',
  resource_exhausted: 'transient',
  aborted: 'transient',
  cancelled: 'transient',
  unknown: 'unknown',
  internal: 'unknown',
  data_loss: 'unknown',
  invalid_argument: 'permanent',
  not_found: 'permanent',
  already_exists: 'permanent',
  permission_denied: 'permanent',
  failed_precondition: 'permanent',
  out_of_range: 'permanent',
  unimplemented: 'permanent',
  unauthenticated: 'permanent',
}

/**
 * Exponential backoff with full jitter: a pause is anywhere between 0 and `baseMs` doubled with each attempt, up to `maxMs` (Brooker, "Exponential Backoff And
 * Jitter", AWS 2015), and no shorter than the fault's `retryAfterMs`. How often depends on the fault's code.
 */
export function backoff(options: BackoffOptions = {}): RetryPolicy {
  const { baseMs = 100, maxMs = 60_000, transientAttempts = 40, unknownAttempts = 14, permanentAttempts = 4 } = options
  const { awayAttempts = 3_000 } = options
  for (const [name, value] of Object.entries({ awayAttempts, transientAttempts, unknownAttempts, permanentAttempts }))
    if (!(Number.isInteger(value) && value >= 1))
      throw new RangeError(`${name} is ${value}; it must be a whole number of at least 1.`)
  if (!(baseMs >= 0 && maxMs >= baseMs))
    throw new RangeError(
      `baseMs is ${baseMs} and maxMs is ${maxMs}; they must be at least 0, and maxMs no less than baseMs.`,
    )
  const limits: Readonly<Record<Kind, number>> = {
    away: awayAttempts,
    transient: transientAttempts,
    unknown: unknownAttempts,
    permanent: permanentAttempts,
  }
  return (fault, attempt, random) => {
    if (attempt >= limits[KINDS[fault.code]]) return { kind: 'dead-letter' }
    const bound = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30))
    return { kind: 'retry', delayMs: Math.max(Math.round(random.next() * bound), fault.retryAfterMs ?? 0) }
  }
}
