import type { CancelTimer, Runtime } from '../../kernel/index.ts'
import type { Store, Transaction } from '../../store/index.ts'
import { checkMessage } from '../check-message.ts'
import type { CrashHook } from '../crash-point.ts'
import type { Message } from '../messaging.ts'
import { append, type Incoming } from './append.ts'
import { PARTITIONS, partitionOf } from './position.ts'
import { toAttributes } from './rows.ts'
import type { Topics } from './topics.ts'

/** Most messages of one transaction that gathers several calls: a few milliseconds of work, so that others get the writer. One call is never split. */
const MAX_BATCH = 512
/** Most delayed messages moved in one transaction. */
const MAX_DUE = 256
/** Pause before what could not be moved is tried again, milliseconds. */
const DELAYED_RETRY_MS = 500
/** Longest time between looks at the clock while something is delayed, milliseconds: it may jump, which no timer notices. */
const DELAYED_LOOK_MS = 1_000

/** What the publisher works with. */
export interface PublisherParts {
  readonly runtime: Runtime
  readonly store: Store
  readonly topics: Topics
  /** Told the new head of each slot once messages are durable. */
  readonly onAppended: (heads: ReadonlyMap<number, number>) => void
  readonly onFault: (error: unknown) => void
  readonly crashPoint: CrashHook | undefined
}

interface Call {
  readonly ready: readonly Incoming[]
  readonly delayed: readonly (Incoming & { readonly due: number })[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Takes messages in. Calls that come while a transaction runs share the next one. */
export class Publisher {
  readonly #parts: PublisherParts
  /** What the heads were when this process last knew. */
  readonly #heads: Map<number, number> = new Map()
  #calls: Call[] = []
  #running: Promise<void> | undefined
  #spread = 0
  #nextDue = Number.POSITIVE_INFINITY
  #cancelDue: CancelTimer | undefined
  #moving: Promise<void> | undefined
  #closed = false

  constructor(parts: PublisherParts) {
    this.#parts = parts
    this.#spread = Math.floor(parts.runtime.random.next() * PARTITIONS)
  }

  /** Publishes all messages or none. */
  async publish(messages: readonly Message[]): Promise<void> {
    if (messages.length === 0) return
    const now = this.#parts.runtime.clock.now()
    const ready: Incoming[] = []
    const delayed: (Incoming & { due: number })[] = []
    for (const message of messages) {
      checkMessage(message)
      const topic = this.#parts.topics.known(message.topic) ?? (await this.#parts.topics.find(message.topic))
      const partition = message.key === undefined ? this.#spread++ % PARTITIONS : partitionOf(message.key)
      const incoming: Incoming = {
        slot: topic.id * PARTITIONS + partition,
        id: message.id,
        source: message.source,
        sentAt: Math.round(message.time),
        key: message.key ?? null,
        body: message.data,
        attributes: toAttributes(message.attributes),
        onlyGroup: null,
      }
      if (message.deliverAt === undefined || message.deliverAt <= now) ready.push(incoming)
      else delayed.push({ ...incoming, due: Math.ceil(message.deliverAt) })
    }
    return new Promise((resolve, reject) => {
      this.#calls.push({ ready, delayed, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Moves delayed messages into their slots when the earliest is due at `due`, store time. Learnt from the watch. */
  expect(due: number): void {
    if (due >= this.#nextDue || this.#closed) return
    this.#nextDue = due
    this.#cancelDue?.()
    const { clock, timers } = this.#parts.runtime
    const pauseMs = Math.min(DELAYED_LOOK_MS, Math.max(0, due - clock.now()))
    this.#cancelDue = timers.after(pauseMs, () => this.#lookForDue(), { background: true })
  }

  /** Waits for what was begun. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelDue?.()
    await this.#moving
    await this.#running
  }

  async #run(): Promise<void> {
    // The rest of this turn's calls join in.
    await new Promise<void>(resolve => this.#parts.runtime.timers.turn(resolve))
    while (this.#calls.length > 0) {
      const batch = this.#take()
      try {
        const heads = await this.#parts.store.transaction(tx => this.#write(tx, batch))
        this.#parts.crashPoint?.('broker.published')
        this.#appended(heads)
        for (const call of batch) {
          for (const { due } of call.delayed) this.expect(due)
          call.resolve()
        }
      } catch (error) {
        for (const call of batch) call.reject(error)
      }
    }
    this.#running = undefined
  }

  #take(): Call[] {
    let messages = 0
    let count = 0
    for (const call of this.#calls) {
      messages += call.ready.length + call.delayed.length
      if (count > 0 && messages > MAX_BATCH) break
      count++
    }
    return this.#calls.splice(0, count)
  }

  async #write(tx: Transaction, batch: readonly Call[]): Promise<Map<number, number>> {
    const ready = batch.length === 1 ? (batch[0] as Call).ready : batch.flatMap(call => call.ready)
    const heads = await append(tx, ready, this.#heads)
    for (const call of batch) {
      for (const message of call.delayed)
        await tx.run(
          'insert into broker_delayed (due, slot, id, source, sent_at, order_key, body, attributes) values (?, ?, ?, ?, ?, ?, ?, ?)',
          message.due,
          message.slot,
          message.id,
          message.source,
          message.sentAt,
          message.key,
          message.body,
          message.attributes,
        )
    }
    this.#parts.crashPoint?.('broker.publish-in-transaction')
    return heads
  }

  #appended(heads: ReadonlyMap<number, number>): void {
    if (heads.size === 0) return
    for (const [slot, head] of heads) this.#heads.set(slot, head)
    this.#parts.onAppended(heads)
  }

  #lookForDue(): void {
    const due = this.#nextDue
    if (due <= this.#parts.runtime.clock.now()) {
      this.#move()
      return
    }
    this.#nextDue = Number.POSITIVE_INFINITY
    this.expect(due)
  }

  #move(): void {
    this.#moving ??= this.#moveDue().finally(() => {
      this.#moving = undefined
      // What became due meanwhile found the door shut.
      if (!this.#closed && this.#nextDue <= this.#parts.runtime.clock.now()) this.#move()
    })
  }

  async #moveDue(): Promise<void> {
    this.#nextDue = Number.POSITIVE_INFINITY
    try {
      for (;;) {
        const { heads, moved, next } = await this.#parts.store.transaction(tx => this.#moveBatch(tx))
        if (moved > 0) this.#parts.crashPoint?.('broker.delayed-moved')
        this.#appended(heads)
        if (moved === MAX_DUE && !this.#closed) continue
        if (next !== undefined) this.expect(next)
        return
      }
    } catch (error) {
      this.#parts.onFault(error)
      this.expect(this.#parts.runtime.clock.now() + DELAYED_RETRY_MS)
    }
  }

  async #moveBatch(tx: Transaction): Promise<{ heads: Map<number, number>; moved: number; next: number | undefined }> {
    const rows = await tx.all<{
      number: number
      slot: number
      id: string
      source: string
      sent_at: number
      order_key: string | null
      body: string
      attributes: string
    }>(
      `select number, slot, id, source, sent_at, order_key, body, attributes from broker_delayed where due <= ? order by due, number limit ${MAX_DUE}`,
      tx.now,
    )
    const heads = await append(
      tx,
      rows.map(row => ({
        slot: row.slot,
        id: row.id,
        source: row.source,
        sentAt: row.sent_at,
        key: row.order_key,
        body: row.body,
        attributes: row.attributes,
        onlyGroup: null,
      })),
      this.#heads,
    )
    for (const { number } of rows) await tx.run('delete from broker_delayed where number = ?', number)
    const next = await tx.get<{ due: number | null }>('select min(due) as due from broker_delayed')
    if (rows.length > 0) this.#parts.crashPoint?.('broker.delayed-in-transaction')
    return { heads, moved: rows.length, next: next?.due ?? undefined }
  }
}
