/**
 * All deadlines of a process stand in one binary heap with one timer for the earliest. A timer per call would cost more
 * than the call: most calls end long before their deadline, so adding and removing must be cheap and firing rare. Which deadline a call has is
 * decided in `context.ts`.
 */
import type { CancelTimer, Clock, Timers } from './clock.ts'
import { callListener } from './listener.ts'

/** A registered deadline. Opaque; give it back to `remove`. */
export interface Deadline {
  /** @internal index in the heap, -1 when not in it */
  index: number
  /** Time of the monotonic clock, in milliseconds. */
  readonly at: number
  readonly expire: () => void
}

/** The heap of deadlines of one runtime. */
export class Deadlines {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #heap: Deadline[] = []
  #cancelTimer: CancelTimer | undefined
  #armedFor = Number.POSITIVE_INFINITY

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock
    this.#timers = timers
  }

  /** How many deadlines are pending. */
  get size(): number {
    return this.#heap.length
  }

  /** Calls `expire` once when the monotonic clock reaches `at` (milliseconds), up to 1 ms late. What it throws is an uncaught error. */
  add(at: number, expire: () => void): Deadline {
    // It compares with nothing, so that the heap would lose its order and other calls their deadlines.
    if (Number.isNaN(at)) throw new RangeError('at is NaN; give a time of the monotonic clock.')
    const entry: Deadline = { index: this.#heap.length, at, expire }
    this.#heap.push(entry)
    this.#up(entry)
    if (at < this.#armedFor) this.#arm(at)
    return entry
  }

  /** Takes a deadline out; harmless when it has fired. */
  remove(entry: Deadline): void {
    const index = entry.index
    if (index < 0) return
    entry.index = -1
    const last = this.#heap.pop()
    if (last === undefined || last === entry) return
    last.index = index
    this.#heap[index] = last
    this.#up(last)
    this.#down(last)
    // The timer stays armed for a deadline that is gone: one idle wake-up is cheaper than moving it at each call.
  }

  #arm(at: number): void {
    this.#cancelTimer?.()
    this.#armedFor = at
    const ms = Math.max(0, Math.ceil(at - this.#clock.monotonic()))
    this.#cancelTimer = this.#timers.after(ms, this.#fire, { background: true })
  }

  readonly #fire = (): void => {
    this.#cancelTimer = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
    const now = this.#clock.monotonic()
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.remove(first)
      callListener(first.expire, undefined)
    }
    const next = this.#heap[0]
    if (next !== undefined && next.at < this.#armedFor) this.#arm(next.at)
  }

  #up(entry: Deadline): void {
    const heap = this.#heap
    let index = entry.index
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = heap[parentIndex] as Deadline
      if (parent.at <= entry.at) break
      heap[index] = parent
      parent.index = index
      index = parentIndex
    }
    heap[index] = entry
    entry.index = index
  }

  #down(entry: Deadline): void {
    const heap = this.#heap
    let index = entry.index
    for (;;) {
      const left = 2 * index + 1
      if (left >= heap.length) break
      const right = left + 1
      const leftEntry = heap[left] as Deadline
      const rightEntry = heap[right]
      const child = rightEntry !== undefined && rightEntry.at < leftEntry.at ? rightEntry : leftEntry
      if (child.at >= entry.at) break
      const childIndex = child.index
      heap[index] = child
      child.index = index
      index = childIndex
    }
    heap[index] = entry
    entry.index = index
  }
}
