import type { Fault } from 'trellis/kernel'
import { busyFault } from './faults.ts'

interface Waiting {
  readonly enter: () => void
}

/** Lets so many work at once, the rest in order, and refuses what the queue cannot hold. */
export class Slots {
  #free: number
  readonly #size: number
  readonly #maxQueue: number
  readonly #waiting: Set<Waiting> = new Set()
  #idle: (() => void) | undefined

  constructor(size: number, maxQueue: number) {
    this.#free = size
    this.#size = size
    this.#maxQueue = maxQueue
  }

  /** Takes a slot; the caller gives it back with `leave`. Rejects with `STORE_BUSY` when the queue is full, with `aborted(signal)` when the signal aborts. */
  enter(signal: AbortSignal | undefined, aborted: (signal: AbortSignal) => Fault): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(aborted(signal))
    if (this.#free > 0) {
      this.#free--
      return Promise.resolve()
    }
    if (this.#waiting.size >= this.#maxQueue) return Promise.reject(busyFault())
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(waiting)
        if (signal !== undefined) reject(aborted(signal))
      }
      const waiting: Waiting = {
        enter: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      this.#waiting.add(waiting)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Gives a slot back. */
  leave(): void {
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting)
      waiting.enter()
      return
    }
    this.#free++
    if (this.#free === this.#size) this.#idle?.()
  }

  /** Resolves when nobody works and nobody waits. */
  async idle(): Promise<void> {
    if (this.#free === this.#size) return
    await new Promise<void>(resolve => {
      this.#idle = resolve
    })
  }
}
