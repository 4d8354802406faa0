import type { Runtime } from '../../kernel/index.ts'
import { Fault } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'
import { checkText } from '../check-message.ts'
import type { CrashHook } from '../crash-point.ts'
import type {
  Broker,
  BrokerAdmin,
  BrokerCapabilities,
  Delivery,
  Message,
  SubscribeOptions,
  Subscription,
  TopicDeclaration,
} from '../messaging.ts'
import { createAdmin } from './admin.ts'
import { Coordinator } from './coordinator.ts'
import { Janitor } from './janitor.ts'
import { leaseLost } from './lane.ts'
import { Publisher } from './publisher.ts'
import { brokerMigrations } from './schema.ts'
import { Settler } from './settler.ts'
import { Subscriber } from './subscriber.ts'
import { placeGroup, type Topic, Topics } from './topics.ts'
import { Watch } from './watch.ts'

/** Options of the broker on a store. */
export interface StoreBrokerOptions {
  /** Holds the messages; shared by all processes of the system. Its `dispose` stays with the caller. */
  readonly store: Store
  /** A file beside the store through which processes of one machine wake each other (0.1 ms instead of half a poll). Default none: one process, or several machines. */
  readonly wakePath?: string
  /**
   * Names this process among those that share the store, the same after a restart, such as `orders-0`: what an earlier life held is then free at once, not
   * after the lease. No two live processes may share it. Default: a new name each time.
   */
  readonly instance?: string
  /** How long partitions of a dead consumer stay taken, milliseconds. Default 5,000: three missed renewals. */
  readonly leaseMs?: number
  /** Pause between looks for what other processes did, milliseconds. Default 50; a look is one read of 20 µs. */
  readonly pollMs?: number
  /** How long settled messages are kept, milliseconds. Default 1 hour, to look at them. */
  readonly retentionMs?: number
  /** Settled messages kept per partition at most, whatever their age. Default 10,000, some 50 MB of a busy topic. */
  readonly retainPerPartition?: number
  /** Hears of failures that are being retried and concern no caller, such as a store that is busy. Default: nobody. */
  readonly onFault?: (fault: Fault) => void
  /** For tests; see `CRASH_POINTS`. */
  readonly crashPoint?: CrashHook
}

/** The broker on a store, with what only it can do. */
export interface StoreBroker extends Broker {
  /** Removes settled messages that need not be kept, now instead of at the next round; the number of them. */
  trim(): Promise<number>
}

/**
 * A broker in the tables of a store: on SQLite one machine and many processes without a daemon. A topic has 16 partitions; each is handled by one
 * consumer of a group at a time, which holds it by a lease with an epoch.
 *
 * A resolved `publish` is as durable as a commit of the store. Settled messages are not delivered again; what was in flight when a process died is,
 * at the latest `leaseMs` later.
 */
export async function createStoreBroker(runtime: Runtime, options: StoreBrokerOptions): Promise<StoreBroker> {
  const broker = new StoreBackedBroker(runtime, options)
  await broker.open()
  return broker
}

/** Deliveries in flight when the caller does not say. */
const DEFAULT_CONCURRENCY = 64

class StoreBackedBroker implements StoreBroker {
  readonly capabilities: BrokerCapabilities
  readonly admin: BrokerAdmin
  readonly #runtime: Runtime
  readonly #store: Store
  readonly #options: StoreBrokerOptions
  readonly #member: string
  readonly #topics: Topics
  readonly #settler: Settler
  readonly #coordinator: Coordinator
  readonly #publisher: Publisher
  readonly #watch: Watch
  readonly #janitor: Janitor
  readonly #onFault: (error: unknown) => void
  #consumers = 0
  #closed: Promise<void> | undefined

  constructor(runtime: Runtime, options: StoreBrokerOptions) {
    const { store, leaseMs = 5_000, pollMs = 50, retentionMs = 3_600_000, retainPerPartition = 10_000 } = options
    atLeast('leaseMs', leaseMs, 100)
    atLeast('pollMs', pollMs, 1)
    atLeast('retentionMs', retentionMs, 0)
    atLeast('retainPerPartition', retainPerPartition, 0)
    this.#runtime = runtime
    this.#store = store
    this.#options = options
    this.#member = options.instance ?? runtime.random.id()
    this.capabilities = { engine: `store/${store.capabilities.engine}`, orderedByKey: true, delay: true, replay: false }
    const onFault = (error: unknown): void => options.onFault?.(Fault.from(error))
    this.#onFault = onFault
    const crashPoint = options.crashPoint
    this.#topics = new Topics(store)
    const onAppended = (heads: ReadonlyMap<number, number>): void => this.#appended(heads)
    this.#settler = new Settler({
      runtime,
      store,
      onFault,
      crashPoint,
      onLost: lane => this.#coordinator.lost(lane),
      onReleased: () => this.#watch.poke(),
      onRoom: () => {
        for (const subscriber of this.#coordinator.subscribers) subscriber.resume()
      },
    })
    this.#coordinator = new Coordinator({
      runtime,
      store,
      settler: this.#settler,
      member: this.#member,
      leaseMs,
      onFault,
      crashPoint,
      onTopology: () => this.#watch.poke(),
    })
    this.#publisher = new Publisher({ runtime, store, topics: this.#topics, onAppended, onFault, crashPoint })
    this.#watch = new Watch({
      runtime,
      store,
      pollMs,
      wakePath: options.wakePath,
      onFault,
      topics: () => this.#followed(),
      onHead: (slot, head) => this.#notify(slot, head),
      onTopology: () => this.#coordinator.passSoon(),
      onDelayed: due => this.#publisher.expect(due),
    })
    this.#janitor = new Janitor({ runtime, store, retentionMs, retainPerPartition, onFault, crashPoint })
    this.admin = createAdmin({ store, topics: this.#topics, onAppended, crashPoint })
  }

  async open(): Promise<void> {
    try {
      await this.#store.migrate('broker', brokerMigrations)
      if (this.#options.instance !== undefined) await this.#coordinator.forgetEarlierLife()
      await this.#watch.open()
    } catch (error) {
      await this[Symbol.asyncDispose]()
      throw error
    }
    // Also a process that only publishes must move what is delayed.
    this.#watch.follow()
  }

  async declare(
    topics: readonly TopicDeclaration[],
    groups: readonly { readonly group: string; readonly topics: readonly string[] }[],
  ): Promise<void> {
    await this.#topics.declare(topics, groups)
  }

  publish(messages: readonly Message[]): Promise<void> {
    if (this.#closed !== undefined) return Promise.reject(closed())
    return this.#publisher.publish(messages)
  }

  async subscribe(options: SubscribeOptions, deliver: (delivery: Delivery) => void): Promise<Subscription> {
    const { group, concurrency = DEFAULT_CONCURRENCY, from = 'latest' } = options
    checkText('group', group)
    atLeast('concurrency', concurrency, 1)
    if (this.#closed !== undefined) throw closed()
    const topics: Topic[] = []
    for (const name of new Set(options.topics)) topics.push(await this.#topics.find(name))
    await this.#store.transaction(async tx => {
      for (const topic of topics) await placeGroup(tx, group, topic, from)
    })
    const coordinator = this.#coordinator
    const subscriber = new Subscriber(`${this.#member}/${++this.#consumers}/${this.#runtime.random.id()}`, {
      runtime: this.#runtime,
      store: this.#store,
      settler: this.#settler,
      group,
      topics,
      concurrency,
      deliver,
      mayDeliver: () => coordinator.holds,
      onFault: this.#onFault,
      crashPoint: this.#options.crashPoint,
    })
    await coordinator.join(subscriber)
    let stopped: Promise<void> | undefined
    const stop = (): Promise<void> => {
      stopped ??= coordinator.leave(subscriber)
      return stopped
    }
    return { stop, [Symbol.asyncDispose]: stop }
  }

  trim(): Promise<number> {
    return this.#janitor.trim()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    for (const subscriber of [...this.#coordinator.subscribers]) {
      if (subscriber.stopping) continue
      await this.#coordinator.leave(subscriber).catch(this.#onFault) // its lease runs out instead
    }
    this.#settler.close()
    await this.#coordinator.close()
    for (const { lanes } of this.#coordinator.subscribers)
      for (const lane of [...lanes.values()]) lane.lose(leaseLost())
    await this.#settler.idle()
    await this.#publisher.close()
    await this.#janitor.close()
    await this.#watch.close()
  }

  #appended(heads: ReadonlyMap<number, number>): void {
    if (heads.size === 0) return
    for (const [slot, head] of heads) this.#notify(slot, head)
    this.#watch.poke()
  }

  #notify(slot: number, head: number): void {
    for (const subscriber of this.#coordinator.subscribers) subscriber.notify(slot, head)
  }

  *#followed(): Iterable<Topic> {
    for (const subscriber of this.#coordinator.subscribers) yield* subscriber.topics
  }
}

function atLeast(name: string, value: number, least: number): void {
  if (!(Number.isFinite(value) && value >= least))
    throw new RangeError(`${name} is ${value}; it must be a number of at least ${least}.`)
}

function closed(): Fault {
  return new Fault('unavailable', 'The broker of this process was closed; nothing was published.', {
    reason: 'BROKER_CLOSED',
  })
}
