/**
 * Shares the partitions of a group among its consumers, here and in other processes. A pass is one transaction: it says that this process is alive,
 * forgets consumers whose lease has run out, takes free partitions up to its fair share, and learns which ones it has lost or holds in excess. Passes of all
 * processes are serialized by the store, so there is no leader and nothing to elect.
 */
import type { CancelTimer, Runtime } from '../../kernel/index.ts'
import type { Store, Transaction } from '../../store/index.ts'
import type { CrashHook } from '../crash-point.ts'
import { Lane, leaseLost } from './lane.ts'
import { PARTITIONS } from './position.ts'
import type { Settler } from './settler.ts'
import type { Subscriber } from './subscriber.ts'
import type { Topic } from './topics.ts'

/** What the coordinator works with. */
export interface CoordinatorParts {
  readonly runtime: Runtime
  readonly store: Store
  readonly settler: Settler
  /** Names this process in the store. */
  readonly member: string
  readonly leaseMs: number
  /** Others should look: partitions became free, or someone came. */
  readonly onTopology: () => void
  readonly onFault: (error: unknown) => void
  readonly crashPoint: CrashHook | undefined
}

interface LeaseRow {
  readonly slot: number
  readonly owner: string | null
  readonly epoch: number
  readonly settled_to: number
  readonly open_offsets: string
  readonly crash_offset: number
  readonly crashes: number
}

interface Taken {
  readonly subscriber: Subscriber
  readonly topic: Topic
  readonly slot: number
  readonly epoch: number
  readonly settledTo: number
  readonly open: readonly number[]
  readonly crashOffset: number
  readonly crashes: number
}

interface Held {
  readonly subscriber: Subscriber
  readonly lane: Lane
}

interface Plan {
  readonly taken: Taken[]
  readonly lost: Held[]
  readonly excess: Held[]
  changed: boolean
}

/** Holds this process's leases. */
export class Coordinator {
  readonly #parts: CoordinatorParts
  readonly #subscribers: Set<Subscriber> = new Set()
  #validUntil = 0
  #pass: Promise<void> | undefined
  #next: Promise<void> | undefined
  #timer: CancelTimer | undefined
  #closed = false
  readonly #upsertConsumer: string

  constructor(parts: CoordinatorParts) {
    this.#parts = parts
    const columns = ['consumer', 'topic', 'member', 'group_name', 'expires']
    this.#upsertConsumer = parts.store.dialect.upsert('broker_consumer', ['consumer', 'topic'], columns)
  }

  /** Whether no other process can have taken our leases, as far as this one's clock tells. */
  get holds(): boolean {
    return this.#parts.runtime.clock.monotonic() < this.#validUntil
  }

  /** All subscribers. */
  get subscribers(): ReadonlySet<Subscriber> {
    return this.#subscribers
  }

  /** Forgets consumers of an earlier life of this process, so that their partitions are free at once. */
  async forgetEarlierLife(): Promise<void> {
    await this.#parts.store.transaction(async tx => {
      const gone = await tx.run('delete from broker_consumer where member = ?', this.#parts.member)
      if (gone > 0) await bump(tx)
    })
  }

  /** Adds a consumer; resolves when it holds what is free for it. */
  async join(subscriber: Subscriber): Promise<void> {
    this.#subscribers.add(subscriber)
    try {
      await this.pass()
    } catch (error) {
      this.#subscribers.delete(subscriber)
      for (const lane of [...subscriber.lanes.values()]) subscriber.drop(lane, leaseLost())
      throw error
    }
  }

  /** Waits for what a consumer has in flight, and gives all its partitions up. */
  async leave(subscriber: Subscriber): Promise<void> {
    subscriber.stopping = true
    while (this.#pass !== undefined) await this.#pass.catch(() => undefined) // whoever asked for the pass has its failure
    await Promise.all([...subscriber.lanes.values()].map(lane => subscriber.drain(lane)))
    await Promise.all([...subscriber.lanes.values()].map(lane => this.#release({ subscriber, lane })))
    this.#subscribers.delete(subscriber)
    if (this.#subscribers.size === 0) this.#timer?.()
    await this.#parts.store.transaction(async tx => {
      await tx.run('delete from broker_consumer where consumer = ?', subscriber.consumer)
      await bump(tx)
    })
    this.#parts.onTopology()
  }

  /** Ends the passes. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.()
    await this.#next?.catch(() => undefined) // reported by whoever asked for it
    await this.#pass?.catch(() => undefined)
  }

  /** A pass that starts after this call; those asked for while one runs share the next. */
  pass(): Promise<void> {
    if (this.#next !== undefined) return this.#next
    if (this.#pass === undefined) return this.#start()
    this.#next = this.#pass
      .catch(() => undefined) // that failure belongs to those who asked for it
      .then(() => {
        this.#next = undefined
        return this.#start()
      })
    return this.#next
  }

  /** A pass that nobody waits for. */
  passSoon(): void {
    if (this.#subscribers.size > 0 && !this.#closed) this.pass().catch(this.#parts.onFault)
  }

  /** The settler found that a lane is someone else's. */
  lost(lane: Lane): void {
    for (const subscriber of this.#subscribers)
      if (subscriber.consumer === lane.holder.consumer) subscriber.drop(lane, leaseLost())
    this.passSoon()
  }

  #start(): Promise<void> {
    this.#pass = this.#run().finally(() => {
      this.#pass = undefined
    })
    return this.#pass
  }

  async #run(): Promise<void> {
    const { runtime, store, leaseMs } = this.#parts
    this.#timer?.()
    const startedAt = runtime.clock.monotonic()
    try {
      const plan = await store.transaction(tx => this.#body(tx))
      this.#parts.crashPoint?.('broker.leased')
      this.#validUntil = startedAt + leaseMs
      this.#schedule(leaseMs / 3)
      this.#apply(plan)
    } catch (error) {
      this.#schedule(leaseMs / 10)
      throw error
    }
  }

  #schedule(delayMs: number): void {
    if (this.#closed || this.#subscribers.size === 0) return
    // Jitter keeps the passes of processes that started together apart.
    const jittered = delayMs * (0.8 + 0.2 * this.#parts.runtime.random.next())
    this.#timer = this.#parts.runtime.timers.after(jittered, () => this.passSoon(), { background: true })
  }

  #apply(plan: Plan): void {
    for (const { subscriber, lane } of plan.lost) subscriber.drop(lane, leaseLost())
    for (const taken of plan.taken) {
      const { subscriber, slot } = taken
      const old = subscriber.lanes.get(slot)
      if (old !== undefined) subscriber.drop(old, leaseLost())
      const lane = new Lane(subscriber, taken.topic, slot, taken.epoch, taken.settledTo)
      void subscriber.adopt(lane, taken)
    }
    for (const held of plan.excess) this.#handOver(held)
    if (plan.changed) this.#parts.onTopology()
    for (const subscriber of this.#subscribers) subscriber.resume()
  }

  /** Gives a lane to whoever has too few: once nothing is in flight, at the latest after one lease. */
  #handOver(held: Held): void {
    const cancel = this.#parts.runtime.timers.after(this.#parts.leaseMs, () => void this.#release(held), {
      background: true,
    })
    held.subscriber
      .drain(held.lane)
      .then(() => {
        cancel()
        return this.#release(held)
      })
      .catch(this.#parts.onFault)
  }

  async #release({ subscriber, lane }: Held): Promise<void> {
    if (lane.state === 'lost') return
    await this.#parts.settler.release(lane)
    subscriber.drop(lane, leaseLost())
  }

  async #body(tx: Transaction): Promise<Plan> {
    const { member, leaseMs } = this.#parts
    const plan: Plan = { taken: [], lost: [], excess: [], changed: false }
    const subscribers = [...this.#subscribers].filter(subscriber => !subscriber.stopping)
    const expected = subscribers.reduce((sum, subscriber) => sum + subscriber.topics.length, 0)
    const expires = tx.now + leaseMs
    const alive = await tx.run('update broker_consumer set expires = ? where member = ?', expires, member)
    if (alive < expected) {
      plan.changed = true
      for (const { consumer, group, topics } of subscribers)
        for (const topic of topics) await tx.run(this.#upsertConsumer, consumer, topic.id, member, group, expires)
    }
    for (const subscriber of subscribers)
      for (const topic of subscriber.topics) await this.#share(tx, subscriber, topic, plan)
    if (plan.changed) await bump(tx)
    this.#parts.crashPoint?.('broker.lease-in-transaction')
    return plan
  }

  async #share(tx: Transaction, subscriber: Subscriber, topic: Topic, plan: Plan): Promise<void> {
    const { group, consumer } = subscriber
    const live = await this.#liveConsumers(tx, group, topic, plan)
    const firstSlot = topic.id * PARTITIONS
    const leases = await tx.all<LeaseRow>(
      'select slot, owner, epoch, settled_to, open_offsets, crash_offset, crashes from broker_lease where group_name = ? and slot >= ? and slot < ? order by slot',
      group,
      firstSlot,
      firstSlot + PARTITIONS,
    )
    const mine: Lane[] = []
    const free: LeaseRow[] = []
    for (const lease of leases) {
      const lane = subscriber.lanes.get(lease.slot)
      const held = lane !== undefined && lease.owner === consumer && lease.epoch === lane.epoch
      if (lane !== undefined && !held) plan.lost.push({ subscriber, lane })
      if (held) {
        if (lane.state === 'held') mine.push(lane)
      } else if (lease.owner === null || lease.owner === consumer || !live.includes(lease.owner)) free.push(lease)
    }
    // The first ones get the remainder; which are the first changes from topic to topic.
    const rank = (live.indexOf(consumer) + topic.id) % live.length
    const share = Math.floor(PARTITIONS / live.length) + (rank < PARTITIONS % live.length ? 1 : 0)
    for (const lease of free.slice(0, Math.max(0, share - mine.length)))
      plan.taken.push(await take(tx, subscriber, topic, lease))
    for (const lane of mine.slice(share)) plan.excess.push({ subscriber, lane })
  }

  async #liveConsumers(tx: Transaction, group: string, topic: Topic, plan: Plan): Promise<string[]> {
    const rows = await tx.all<{ consumer: string; expires: number }>(
      'select consumer, expires from broker_consumer where group_name = ? and topic = ? order by consumer',
      group,
      topic.id,
    )
    const live: string[] = []
    for (const { consumer, expires } of rows) {
      // Further ahead than a lease reaches: the clock was set back since, and the living renew theirs.
      if (expires > tx.now && expires <= tx.now + 2 * this.#parts.leaseMs) live.push(consumer)
      else {
        plan.changed = true
        await tx.run('delete from broker_consumer where consumer = ? and topic = ?', consumer, topic.id)
      }
    }
    return live
  }
}

async function take(tx: Transaction, subscriber: Subscriber, topic: Topic, lease: LeaseRow): Promise<Taken> {
  const open = lease.open_offsets === '' ? [] : lease.open_offsets.split(',').map(Number)
  const epoch = lease.epoch + 1
  // An owner that did not give it up has died; the message that stood first may be why. Where none stood, the next one to come is innocent.
  const died = lease.owner !== null && lease.owner !== subscriber.consumer
  const first = open[0] ?? lease.settled_to + 1
  const idle = died && (await headOf(tx, lease.slot)) < first
  const repeated = lease.crash_offset === first
  const crashOffset = idle ? 0 : died ? first : lease.crash_offset
  const crashes = idle ? 0 : died ? (repeated ? lease.crashes + 1 : 1) : lease.crashes
  await tx.run(
    'update broker_lease set owner = ?, epoch = ?, crash_offset = ?, crashes = ? where group_name = ? and slot = ?',
    subscriber.consumer,
    epoch,
    crashOffset,
    crashes,
    subscriber.group,
    lease.slot,
  )
  return { subscriber, topic, slot: lease.slot, epoch, settledTo: lease.settled_to, open, crashOffset, crashes }
}

async function headOf(tx: Transaction, slot: number): Promise<number> {
  return (await tx.get<{ head: number }>('select head from broker_partition where slot = ?', slot))?.head ?? 0
}

function bump(tx: Transaction): Promise<number> {
  return tx.run('update broker_topology set version = version + 1 where id = 1')
}
