/**
 * Tells who follows events that there are new ones: at once for what this process commits, within the poll's interval for what other processes
 * of the service commit. It also gives new events their positions. While nobody listens it does nothing.
 */
import { Fault } from '../kernel/fault.ts'
import type { CancelTimer, Runtime } from '../kernel/runtime.ts'
import type { Store } from '../store/store.ts'
import type { Logger } from '../telemetry/telemetry.ts'
import { Bell } from './bell.ts'
import { orderEvents } from './order.ts'

/** Names one aggregate. */
export interface AggregateKey {
  readonly aggregate: string
  readonly aggregateId: string
}

/** What a feed stands on. */
export interface FeedOptions {
  readonly store: Store
  readonly pollMs: number
  readonly logger: Logger | undefined
}

const TOUCHED = `select distinct aggregate, aggregate_id as "aggregateId" from trellis_events_order where position > ? and position <= ?`

/** The one poller of an event store. */
export class EventFeed {
  readonly #runtime: Runtime
  readonly #store: Store
  readonly #pollMs: number
  readonly #logger: Logger | undefined
  readonly #followers = new Set<Bell>()
  readonly #watchers = new Map<string, Set<Bell>>()
  #head = -1
  #running: Promise<void> | undefined
  #again = false
  #failing = false
  #stopped = false
  #cancelPoll: CancelTimer | undefined

  constructor(runtime: Runtime, { store, pollMs, logger }: FeedOptions) {
    this.#runtime = runtime
    this.#store = store
    this.#pollMs = pollMs
    this.#logger = logger
  }

  /** A bell that rings when the order has grown. Give it back to `leave`. */
  follow(): Bell {
    const bell = new Bell()
    this.#followers.add(bell)
    return this.#join(bell)
  }

  /** A bell that rings when one aggregate may have new events. Give it back to `leave`. */
  watch(key: AggregateKey): Bell {
    const bell = new Bell()
    const name = nameOf(key)
    const bells = this.#watchers.get(name) ?? new Set()
    this.#watchers.set(name, bells.add(bell))
    return this.#join(bell)
  }

  /** Takes a bell off. */
  leave(bell: Bell, key?: AggregateKey): void {
    bell.close()
    this.#followers.delete(bell)
    if (key === undefined) return
    const bells = this.#watchers.get(nameOf(key))
    bells?.delete(bell)
    if (bells?.size === 0) this.#watchers.delete(nameOf(key))
  }

  /** Events of an aggregate were committed by this process. */
  committed(key: AggregateKey): void {
    this.#ring(key)
    if (this.#followers.size > 0) this.#look()
  }

  /** Ends all waits, and resolves once nothing runs any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelPoll?.()
    for (const bell of this.#followers) bell.close()
    for (const bells of this.#watchers.values()) for (const bell of bells) bell.close()
    await this.#running
  }

  #join(bell: Bell): Bell {
    if (this.#stopped) bell.close()
    // Its first look at the store is its own; the poll behind it must run from now on.
    else if (this.#running === undefined && this.#cancelPoll === undefined) this.#look()
    return bell
  }

  #ring(key: AggregateKey): void {
    const bells = this.#watchers.get(nameOf(key))
    if (bells !== undefined) for (const bell of bells) bell.ring()
  }

  readonly #look = (): void => {
    if (this.#stopped) return
    this.#cancelPoll?.()
    this.#cancelPoll = undefined
    if (this.#running === undefined) this.#running = this.#run()
    else this.#again = true
  }

  async #run(): Promise<void> {
    do {
      this.#again = false
      try {
        await this.#advance()
        this.#failing = false
      } catch (error) {
        // The next poll tries again; the log gets one line per outage.
        if (!this.#failing)
          this.#logger?.log('warn', 'The event feed waits for its store', {}, undefined, Fault.from(error))
        this.#failing = true
      }
    } while (this.#again && !this.#failing && !this.#stopped)
    this.#running = undefined
    const wanted = this.#followers.size > 0 || this.#watchers.size > 0
    if (wanted && !this.#stopped) {
      this.#cancelPoll = this.#runtime.timers.after(this.#pollMs, this.#look, { background: true })
    }
  }

  async #advance(): Promise<void> {
    const { reader } = this.#store
    const head = await orderEvents(this.#store)
    if (head === this.#head) return
    const before = this.#head
    this.#head = head
    for (const bell of this.#followers) bell.ring()
    if (this.#watchers.size === 0) return
    if (before === -1) {
      for (const bells of this.#watchers.values()) for (const bell of bells) bell.ring()
      return
    }
    for (const key of await reader.all<AggregateKey>(TOUCHED, before, head)) this.#ring(key)
  }
}

function nameOf(key: AggregateKey): string {
  return `${key.aggregate}/${key.aggregateId}`
}
