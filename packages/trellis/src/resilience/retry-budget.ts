import type { Clock } from '../kernel/runtime.ts'

/** How many retries a client may make. */
export interface RetryBudgetOptions {
  /** Retries per call in the long run. Default 0.2: a service that fails altogether gets a fifth more load, not three times as much. */
  readonly ratio?: number
  /** Retries a second that are always allowed, so that a client with few calls can retry. Default 1. */
  readonly minPerSecond?: number
  /** Most retries that are saved up. Default 20. */
  readonly capacity?: number
}

/** A token bucket: each call puts `ratio` in, each retry takes 1 out (Finagle's retry budget). */
export class RetryBudget {
  readonly #ratio: number
  readonly #perMs: number
  readonly #capacity: number
  #tokens: number
  #filledAt: number | undefined

  constructor(options: RetryBudgetOptions = {}) {
    this.#ratio = notNegative('ratio', options.ratio ?? 0.2)
    this.#perMs = notNegative('minPerSecond', options.minPerSecond ?? 1) / 1000
    this.#capacity = notNegative('capacity', options.capacity ?? 20)
    this.#tokens = this.#capacity
  }

  /** A call was made. */
  deposit(): void {
    this.#add(this.#ratio)
  }

  /** Whether a retry may be made; takes it from the budget. */
  withdraw(clock: Clock): boolean {
    const now = clock.monotonic()
    if (this.#filledAt !== undefined) this.#add((now - this.#filledAt) * this.#perMs)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  #add(tokens: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + tokens)
  }
}

function notNegative(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value
  throw new RangeError(`${name} is ${value}; it must be a number of at least 0.`)
}
