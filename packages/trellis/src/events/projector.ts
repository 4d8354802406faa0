import { Fault } from '../kernel/fault.ts'
import { type Runtime, sleep } from '../kernel/runtime.ts'
import type { Store } from '../store/store.ts'
import type { Logger } from '../telemetry/telemetry.ts'
import { applyBatch } from './apply.ts'
import type { EventFeed } from './feed.ts'
import { headPosition, orderedReader } from './order.ts'
import type { Projection } from './projection.ts'
import { checkpointOf, setCheckpoint, writableState } from './projection-state.ts'

/** What a projector stands on. */
export interface ProjectorParts {
  readonly store: Store
  readonly feed: EventFeed
  readonly logger: Logger | undefined
}

/** Events of one transaction at most. */
const BATCH = 500
/** First and longest wait before a failed event is tried again, milliseconds. */
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 30_000

/**
 * Keeps one asynchronous projection up with the events. Rows and checkpoint commit together, so that each event has its effect once, whatever crashes.
 * Several processes may run it: whoever holds the checkpoint works, the others pass. An event that fails is tried again, with growing waits, and
 * never skipped; the events before it are applied.
 */
export class Projector {
  readonly projection: Projection
  readonly #runtime: Runtime
  readonly #parts: ProjectorParts
  readonly #stop = new AbortController()
  readonly #read: ReturnType<typeof orderedReader>
  #running: Promise<void> | undefined
  #failure: Fault | undefined

  constructor(runtime: Runtime, projection: Projection, parts: ProjectorParts) {
    this.#runtime = runtime
    this.projection = projection
    this.#parts = parts
    this.#read = orderedReader(projection.from)
  }

  /** Why it does not get on; undefined while it does. */
  get failure(): Fault | undefined {
    return this.#failure
  }

  /** Begins to follow the events. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Stops after the batch in hand. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { feed } = this.#parts
    const { signal } = this.#stop
    const bell = feed.follow()
    let failures = 0
    while (!signal.aborted) {
      try {
        // After a failure one at a time: what stands before the failing event gets through.
        const caughtUp = await this.#step(failures === 0 ? BATCH : 1)
        this.#failure = undefined
        failures = 0
        if (caughtUp && !(await bell.wait(signal))) break
      } catch (error) {
        this.#report(Fault.from(error))
        await this.#pause(failures++)
      }
    }
    feed.leave(bell)
  }

  /** Applies the next events; true when there is nothing left to do for now. */
  async #step(limit: number): Promise<boolean> {
    const { projection } = this
    const { store } = this.#parts
    // Read outside of the transaction, where it conflicts with nobody: what is ordered never changes.
    const { slot } = await writableState(store.reader, projection)
    const after = (await checkpointOf(store.reader, projection.name)) ?? 0
    const head = await headPosition(store.reader)
    if (after >= head) return true
    const batch = await this.#read(store.reader, after, head, limit)
    return store.transaction(async tx => {
      const shown = await writableState(tx, projection)
      const checkpoint = await checkpointOf(tx, projection.name, tx.dialect.forUpdateSkipLocked)
      // Another process has the checkpoint in hand: it goes on, and this one looks again with the next event.
      if (checkpoint === undefined) return true
      // It moved meanwhile, or a rebuild moved the views.
      if (shown.slot !== slot || checkpoint !== after) return false
      const position = await applyBatch(this.#runtime, tx, { projection, slot }, batch)
      await setCheckpoint(tx, projection.name, position)
      return position >= head
    })
  }

  #report(fault: Fault): void {
    if (this.#failure === undefined) {
      const fields = { projection: this.projection.name, reason: fault.reason }
      this.#parts.logger?.log('error', 'A projection does not get on', fields, undefined, fault)
    }
    this.#failure = fault
  }

  async #pause(failures: number): Promise<void> {
    const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)
    const ms = longest / 2 + (this.#runtime.random.next() * longest) / 2
    await sleep(this.#runtime, ms, this.#stop.signal).catch(() => undefined) // stopped: the loop sees it
  }
}
