/**
 * One subscription: takes messages from its lanes and hands them out, at most `concurrency` at once and one per key.
 *
 * Measured by the broker benchmark: a message costs an entry, a delivery and the promise of its end.
 */
import { Fault, type Runtime } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'
import type { CrashHook } from '../crash-point.ts'
import type { Attempt, Delivery, Message } from '../messaging.ts'
import { type DeliveryEnds, StoreDelivery } from './delivery.ts'
import { Entry, type Lane, type LaneHolder } from './lane.ts'
import { offsetOf, positionOf } from './position.ts'
import { MESSAGE_COLUMNS, type MessageRow, toMessage } from './rows.ts'
import type { Settler } from './settler.ts'
import type { Topic } from './topics.ts'

/** Most rows of one read, and most messages of a lane held in memory. */
const MAX_FETCH = 128
/** Characters that one read aims at, so that large messages do not fill the memory. */
const FETCH_CHARACTERS = 256 * 1024
/** Attempts that the history of a message keeps; the first go. */
const MAX_HISTORY = 64
/** Pause before a failed read is repeated, milliseconds. */
const READ_RETRY_MS = 100
/** How long a message is held back when `deliver` throws, which it must not. */
const THROWN_RETRY_MS = 1_000
/** Messages that a lane hands out one by one after its consumers have died over the same one: as many as one of them may have had in flight, about. */
const CAREFUL_MESSAGES = 64
/** Deaths over the same message before a lane is careful. */
const CAREFUL_AFTER = 2

const FETCH = `select ${MESSAGE_COLUMNS} from broker_message where position > ? and position < ? order by position limit ?`
const FETCH_ONE = `select ${MESSAGE_COLUMNS} from broker_message where position = ?`

/** What a subscriber works with. */
export interface SubscriberParts {
  readonly runtime: Runtime
  readonly store: Store
  readonly settler: Settler
  readonly group: string
  readonly topics: readonly Topic[]
  readonly concurrency: number
  readonly deliver: (delivery: Delivery) => void
  /** Whether this process may believe that its leases hold. */
  readonly mayDeliver: () => boolean
  readonly onFault: (error: unknown) => void
  readonly crashPoint: CrashHook | undefined
}

/** What a lane starts with. */
export interface LaneState {
  readonly open: readonly number[]
  readonly crashOffset: number
  readonly crashes: number
}

interface WaitingRow {
  readonly message_offset: number
  readonly order_key: string | null
  readonly attempts: number
  readonly due: number
  readonly history: string
}

/** A consumer within a group. */
export class Subscriber implements LaneHolder, DeliveryEnds {
  readonly runtime: Runtime
  readonly group: string
  readonly topics: readonly Topic[]
  /** Names this consumer in the store. */
  readonly consumer: string
  readonly lanes: Map<number, Lane> = new Map()
  /** Delivers nothing more. */
  stopping = false
  readonly #parts: SubscriberParts
  #ready: Entry[] = []
  #readyHead = 0
  #inFlight = 0
  #dispatching = false
  #quiet: (() => void)[] = []

  constructor(consumer: string, parts: SubscriberParts) {
    this.consumer = consumer
    this.runtime = parts.runtime
    this.group = parts.group
    this.topics = parts.topics
    this.#parts = parts
  }

  /** Deliveries in flight, also those whose lease was lost. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Takes a lane up: first what its last owner left open or waiting, in order, then what follows. */
  async adopt(lane: Lane, state: LaneState): Promise<void> {
    this.lanes.set(lane.slot, lane)
    lane.crashOffset = state.crashOffset
    lane.crashes = state.crashes
    if (state.crashes >= CAREFUL_AFTER) lane.careful = CAREFUL_MESSAGES
    lane.fetching = true
    while (lane.state === 'held') {
      try {
        await this.#load(lane, state)
        break
      } catch (error) {
        this.#parts.onFault(error)
        await new Promise<void>(resolve => this.runtime.timers.after(READ_RETRY_MS, resolve, { background: true }))
      }
    }
    lane.fetching = false
    this.#dispatch()
    this.#fetch(lane)
  }

  /** There may be messages up to `head` in a slot. */
  notify(slot: number, head: number): void {
    const lane = this.lanes.get(slot)
    if (lane === undefined || head <= lane.fetched) return
    lane.behind = true
    this.#fetch(lane)
  }

  /** Goes on after something that held deliveries back has gone. */
  resume(): void {
    this.#dispatch()
  }

  /** Delivers no more from a lane; resolves when none of its messages is in flight. */
  async drain(lane: Lane): Promise<void> {
    if (lane.state === 'held') lane.state = 'draining'
    while (lane.inFlight > 0 && lane.state === 'draining') await new Promise<void>(resolve => this.#quiet.push(resolve))
  }

  /** Forgets a lane. */
  drop(lane: Lane, fault: Fault): void {
    lane.lose(fault)
    if (this.lanes.get(lane.slot) === lane) this.lanes.delete(lane.slot)
    this.#wakeQuiet()
  }

  ack(entry: Entry): Promise<void> {
    this.#landed(entry)
    if (!entry.parked) entry.lane.pass(entry)
    // Its effect is done: the next of its key need not wait until that is written.
    this.advance(entry)
    return new Promise((resolve, reject) => {
      this.#parts.settler.add({ kind: 'ack', entry, resolve, reject })
      this.#dispatch()
    })
  }

  nack(entry: Entry, delayMs: number, cause: Fault): Promise<void> {
    this.#landed(entry)
    entry.attempts++
    entry.history = [...entry.history, this.#attempt(cause)].slice(-MAX_HISTORY)
    const { settler } = this.#parts
    return new Promise((resolve, reject) => {
      this.#park(entry)
      settler.add({ kind: 'nack', entry, delayMs, resolve, reject })
      for (let held = entry.next; held !== undefined; held = held.next) this.#holdBack(held)
      this.#fetch(entry.lane)
      this.#dispatch()
    })
  }

  deadLetter(entry: Entry, message: Message, cause: Fault): Promise<void> {
    this.#landed(entry)
    const attempt = this.#attempt(cause)
    entry.attempts++
    entry.history = [...entry.history, attempt].slice(-MAX_HISTORY)
    if (!entry.parked) entry.lane.pass(entry)
    // The key is released once this is written (see `Settler`): a crash before that would deliver this message after the next one.
    return new Promise((resolve, reject) => {
      this.#parts.settler.add({ kind: 'dead', entry, message, cause: attempt, resolve, reject })
      this.#dispatch()
    })
  }

  abandoned(entry: Entry): void {
    this.#landed(entry)
    this.#dispatch()
  }

  retryLater(entry: Entry, delayMs: number): void {
    if (entry.lane.state !== 'held') return
    this.#arm(entry, delayMs)
  }

  advance(entry: Entry): void {
    const { key, lane, next } = entry
    if (key === undefined) return
    if (next === undefined) {
      if (lane.tails.get(key) === entry) lane.tails.delete(key)
      return
    }
    this.#come(next)
  }

  settled(lane: Lane): void {
    if (lane.careful > 0) this.#dispatch()
    this.#fetch(lane)
  }

  #landed(entry: Entry): void {
    this.#inFlight--
    entry.lane.inFlight--
    if (this.#quiet.length > 0) this.#wakeQuiet()
  }

  #wakeQuiet(): void {
    const waiting = this.#quiet
    this.#quiet = []
    for (const resolve of waiting) resolve()
  }

  #attempt(cause: Fault): Attempt {
    return { at: this.runtime.clock.now(), code: cause.code, reason: cause.reason, message: cause.message }
  }

  /** The lease counts it as settled from now on, since a row of its own stands for it. */
  #park(entry: Entry): void {
    if (!entry.parked) entry.lane.pass(entry)
    entry.parked = true
    entry.message = undefined
  }

  #holdBack(entry: Entry): void {
    if (entry.parked) return
    this.#park(entry)
    this.#parts.settler.add({ kind: 'park', entry })
  }

  async #load(lane: Lane, state: LaneState): Promise<void> {
    const { reader } = this.#parts.store
    const now = await this.#parts.store.now()
    const waiting = await reader.all<WaitingRow>(
      'select message_offset, order_key, attempts, due, history from broker_waiting where group_name = ? and slot = ? order by message_offset',
      this.group,
      lane.slot,
    )
    const entries: { readonly entry: Entry; readonly delayMs: number }[] = []
    for (const row of waiting) {
      const entry = new Entry(lane, row.message_offset, row.order_key ?? undefined, undefined)
      entry.parked = true
      entry.attempts = row.attempts
      if (row.history !== '') entry.history = JSON.parse(row.history)
      entries.push({ entry, delayMs: row.due - now })
    }
    for (const offset of state.open) {
      const row = await reader.get<MessageRow>(FETCH_ONE, positionOf(lane.slot, offset))
      if (row === undefined) throw missing(lane, offset)
      entries.push({ entry: this.#toEntry(lane, row), delayMs: 0 })
    }
    if (lane.state !== 'held') return
    entries.sort((a, b) => a.entry.offset - b.entry.offset)
    for (const { entry, delayMs } of entries) this.#chain(entry, delayMs)
  }

  #toEntry(lane: Lane, row: MessageRow): Entry {
    const message = toMessage(row, lane.topic.name)
    const offset = offsetOf(row.position)
    const entry = new Entry(lane, offset, message.key, message)
    if (offset === lane.crashOffset) entry.deaths = entry.attempts = lane.crashes
    return entry
  }

  /** Puts an entry behind those of its key. */
  #chain(entry: Entry, delayMs: number): void {
    const { key, lane } = entry
    if (!entry.parked) lane.open.add(entry)
    if (key !== undefined) {
      const tail = lane.tails.get(key)
      lane.tails.set(key, entry)
      if (tail !== undefined) {
        tail.next = entry
        if (tail.parked) this.#holdBack(entry)
        return
      }
    }
    if (delayMs > 0) this.#arm(entry, delayMs)
    else this.#come(entry)
  }

  #arm(entry: Entry, delayMs: number): void {
    const { clock, deadlines } = this.runtime
    entry.lane.waiting.add(entry)
    entry.due = deadlines.add(clock.monotonic() + delayMs, () => {
      entry.due = undefined
      entry.lane.waiting.delete(entry)
      this.#parts.crashPoint?.('broker.retry-due')
      this.#come(entry)
    })
  }

  /** An entry may be delivered: it is the first of its key, and due. */
  #come(entry: Entry): void {
    if (entry.message === undefined) {
      void this.#fetchBody(entry)
      return
    }
    this.#ready.push(entry)
    this.#dispatch()
  }

  async #fetchBody(entry: Entry): Promise<void> {
    const { lane } = entry
    if (lane.state !== 'held') return
    try {
      const row = await this.#parts.store.reader.get<MessageRow>(FETCH_ONE, positionOf(lane.slot, entry.offset))
      if (row === undefined) throw missing(lane, entry.offset)
      entry.message = toMessage(row, lane.topic.name)
    } catch (error) {
      this.#parts.onFault(error)
      if (lane.state === 'held') this.#arm(entry, READ_RETRY_MS)
      return
    }
    if (lane.state === 'held') this.#come(entry)
  }

  #fetch(lane: Lane): void {
    if (lane.fetching || !lane.behind || lane.state !== 'held' || lane.open.size > MAX_FETCH / 2) return
    lane.fetching = true
    void this.#read(lane)
  }

  async #read(lane: Lane): Promise<void> {
    const limit = lane.fetchLimit
    let rows: MessageRow[]
    lane.behind = false // whoever publishes meanwhile sets it again
    try {
      rows = await this.#parts.store.reader.all<MessageRow>(
        FETCH,
        positionOf(lane.slot, lane.fetched),
        positionOf(lane.slot + 1, 0),
        limit,
      )
    } catch (error) {
      this.#parts.onFault(error)
      lane.behind = true
      this.runtime.timers.after(
        READ_RETRY_MS,
        () => {
          lane.fetching = false
          this.#fetch(lane)
        },
        { background: true },
      )
      return
    }
    lane.fetching = false
    if (lane.state !== 'held') return
    if (rows.length > 0) this.#parts.crashPoint?.('broker.fetched')
    if (rows.length === limit) lane.behind = true
    this.#accept(lane, rows)
    this.#fetch(lane)
  }

  #accept(lane: Lane, rows: readonly MessageRow[]): void {
    let characters = 0
    this.#dispatching = true // one dispatch for all of them, below
    for (const row of rows) {
      const offset = offsetOf(row.position)
      lane.fetched = offset
      characters += row.body.length + row.attributes.length
      if (row.only_group !== null && row.only_group !== this.group) {
        if (offset > lane.settledTo) lane.settledTo = offset
        this.#parts.settler.touch(lane)
      } else this.#chain(this.#toEntry(lane, row), 0)
    }
    if (rows.length > 0)
      lane.fetchLimit = Math.max(
        1,
        Math.min(MAX_FETCH, Math.floor((FETCH_CHARACTERS * rows.length) / (characters + 1))),
      )
    this.#dispatching = false
    this.#dispatch()
  }

  #dispatch(): void {
    if (this.#dispatching || this.stopping) return
    this.#dispatching = true
    const { concurrency, settler, mayDeliver } = this.#parts
    let deferred: Entry[] | undefined
    while (this.#inFlight < concurrency && this.#readyHead < this.#ready.length && settler.room && mayDeliver()) {
      const entry = this.#ready[this.#readyHead] as Entry
      this.#ready[this.#readyHead++] = undefined as never
      if (this.#readyHead > 1_000 && this.#readyHead * 2 > this.#ready.length) {
        this.#ready = this.#ready.slice(this.#readyHead)
        this.#readyHead = 0
      }
      const { lane } = entry
      if (lane.state !== 'held') continue
      if (lane.careful > 0 && (lane.inFlight > 0 || lane.unwritten > 0)) {
        deferred ??= []
        deferred.push(entry)
        continue
      }
      this.#deliver(entry)
    }
    if (this.#readyHead === this.#ready.length && this.#readyHead > 0) {
      this.#ready = []
      this.#readyHead = 0
    }
    if (deferred !== undefined) this.#ready.push(...deferred)
    this.#dispatching = false
  }

  #deliver(entry: Entry): void {
    const { lane } = entry
    this.#inFlight++
    lane.inFlight++
    if (lane.careful > 0) lane.careful--
    const delivery = new StoreDelivery(this, entry, entry.message as Message, entry.attempts + 1)
    try {
      this.#parts.deliver(delivery)
    } catch (error) {
      this.#parts.onFault(error)
      const cause = Fault.from(error)
      delivery.nack({ delayMs: THROWN_RETRY_MS, cause }).catch(this.#parts.onFault)
    }
  }
}

function missing(lane: Lane, offset: number): Fault {
  return new Fault(
    'data_loss',
    `Message ${offset} of '${lane.topic.name}' is not settled and not there; the broker's database was changed from outside. Restore a backup.`,
    { reason: 'MESSAGE_MISSING' },
  )
}
