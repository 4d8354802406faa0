import { Fault } from './fault.ts'
import type { Runtime } from './runtime.ts'

/** Something that starts and stops. */
export interface Part {
  /** For messages, such as `store`. */
  readonly name: string
  readonly start?: () => Promise<void>
  readonly stop?: () => Promise<void>
  /** Longest time that `stop` may take, in milliseconds. Default 10,000: longer than the default deadline of a call (5,000). */
  readonly stopTimeoutMs?: number
}

/** Parts started in order and stopped in reverse order. A failing start stops what had started; a failing stop does not keep the others from stopping. */
export class Lifecycle {
  readonly #runtime: Runtime
  readonly #parts: readonly Part[]
  /** Also the one that is being started, or has failed to: it may hold something that only its `stop` gives back. */
  readonly #toStop: Part[] = []
  #partStart: Promise<void> | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  constructor(runtime: Runtime, parts: readonly Part[]) {
    this.#runtime = runtime
    this.#parts = parts
  }

  /**
   * Starts the parts one after the other. Rejects with the first failure, after the started ones and the failing one were stopped again,
   * and with `cancelled` when it was stopped meanwhile. Later calls get the same promise.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start()
    return this.#starting
  }

  /**
   * Stops in reverse order, each part within its time. A part that is just being started is waited for, within the same time, and stopped
   * too. Later calls get the same promise. Rejects with an `AggregateError` that names the parts that failed.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #start(): Promise<void> {
    for (const part of this.#parts) {
      this.#throwIfStopped()
      this.#toStop.push(part)
      try {
        this.#partStart = (async () => part.start?.())()
        await this.#partStart
      } catch (error) {
        await this.stop().catch(() => undefined) // the failed start is the news; a half-started part may well fail to stop
        throw error
      }
    }
    this.#throwIfStopped()
  }

  #throwIfStopped(): void {
    if (this.#stopping === undefined) return
    throw new Fault('cancelled', 'Stopped before it had started; make a new one to start again.', { reason: 'STOPPED' })
  }

  async #stop(): Promise<void> {
    const last = this.#toStop.at(-1)
    if (last !== undefined && this.#partStart !== undefined) {
      await this.#bounded(last, this.#partStart).catch(() => undefined) // `start` reports it; here it only has to be over
    }
    const failures: unknown[] = []
    for (const part of this.#toStop.toReversed()) {
      const stopped = (async () => part.stop?.())().catch((error: unknown) => {
        throw new Error(`${part.name} failed to stop`, { cause: error })
      })
      try {
        await this.#bounded(part, stopped)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} part(s) did not stop cleanly.`)
  }

  /** Waits for `work`, but no longer than the part may take to stop. */
  #bounded(part: Part, work: Promise<void>): Promise<void> {
    const limitMs = part.stopTimeoutMs ?? 10_000
    return new Promise((resolve, reject) => {
      const cancel = this.#runtime.timers.after(limitMs, () =>
        reject(
          new Fault('deadline_exceeded', `${part.name} did not stop within ${limitMs} ms.`, { reason: 'STOP_TIMEOUT' }),
        ),
      )
      work.then(resolve, reject).finally(cancel)
    })
  }
}
