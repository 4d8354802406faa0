import type { Random } from '../kernel/runtime.ts'

/** How long to wait before a repetition. A value: share it freely. */
export interface Backoff {
  /** Milliseconds before the repetition that follows attempt `attempt` (1 for the first). */
  delayMs(attempt: number, random: Random): number
}

/** Bounds of an exponential backoff. */
export interface ExponentialOptions {
  /** Upper bound of the first wait. Default 50: longer than a hiccup, shorter than a person notices. */
  readonly baseMs?: number
  /** Upper bound of every wait. Default 2,000. */
  readonly maxMs?: number
}

/**
 * Doubles the upper bound each time and waits a random part of it ("full jitter", M. Brooker, Exponential Backoff And Jitter, 2015), so that callers
 * that failed together do not come back together.
 */
export function exponential(options: ExponentialOptions = {}): Backoff {
  const baseMs = positive('baseMs', options.baseMs ?? 50)
  const maxMs = positive('maxMs', options.maxMs ?? 2_000)
  // The exponent is bounded: 2 ** 1100 is Infinity, and Infinity times 0 is NaN.
  return { delayMs: (attempt, random) => random.next() * Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 52)) }
}

/** Always waits the same. */
export function constant(delayMs: number): Backoff {
  positive('delayMs', delayMs)
  return { delayMs: () => delayMs }
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value
  throw new RangeError(`${name} is ${value}; it must be a number of milliseconds of at least 0.`)
}
