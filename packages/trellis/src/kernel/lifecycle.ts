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
  readonly #started: Part[] = []
  #stopping: Promise<void> | undefined

  constructor(runtime: Runtime, parts: readonly Part[]) {
    this.#runtime = runtime
    this.#parts = parts
  }

  /** Starts the parts one after the other. Rejects with the first failure, after the started ones were stopped again. */
  async start(): Promise<void> {
    for (const part of this.#parts) {
      if (this.#stopping !== undefined) throw new Fault('cancelled', `Stopped while ${part.name} was about to start.`)
      try {
        await part.start?.()
      } catch (error) {
        this.#started.push(part)
        await this.stop().catch(() => undefined) // the failed start is the news; a half-started part may well fail to stop
        throw error
      }
      this.#started.push(part)
    }
  }

  /** Stops in reverse order, each part within its time. Later calls get the same promise. Rejects with an `AggregateError` that names the parts that failed. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const failures: unknown[] = []
    for (const part of this.#started.toReversed()) {
      try {
        await this.#bounded(part)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} part(s) did not stop cleanly.`)
  }

  #bounded(part: Part): Promise<void> {
    const limitMs = part.stopTimeoutMs ?? 10_000
    return new Promise((resolve, reject) => {
      const cancel = this.#runtime.timers.after(limitMs, () =>
        reject(
          new Fault('deadline_exceeded', `${part.name} did not stop within ${limitMs} ms.`, { reason: 'STOP_TIMEOUT' }),
        ),
      )
      Promise.resolve(part.stop?.()).then(
        () => {
          cancel()
          resolve()
        },
        (error: unknown) => {
          cancel()
          reject(new Error(`${part.name} failed to stop`, { cause: error }))
        },
      )
    })
  }
}
