import type { Publishable } from '../contract/index.ts'
import type { Aggregate, AggregateHandle, AnyEvent, EventStore } from '../events/index.ts'
import type { Context } from '../kernel/index.ts'
import { causeOf } from '../kernel/index.ts'
import type { Envelopes, Outbox, Timers } from '../messaging/index.ts'
import type { Dialect, SqlValue, Transaction } from '../store/index.ts'
import type { PublishOptions, ScheduleOptions, ServiceTransaction } from './context.ts'

/** What turns a transaction of the store into one of the service. */
export interface TransactionParts {
  readonly outbox: Outbox
  readonly envelopes: Envelopes
  readonly timers: Timers
  readonly events: EventStore
}

/** A transaction of the store, with the service's events, messages and timers in it. */
export class StoreServiceTransaction implements ServiceTransaction {
  readonly dialect: Dialect
  readonly now: number
  readonly #tx: Transaction
  readonly #ctx: Context
  readonly #parts: TransactionParts

  constructor(tx: Transaction, ctx: Context, parts: TransactionParts) {
    this.dialect = tx.dialect
    this.now = tx.now
    this.#tx = tx
    this.#ctx = ctx
    this.#parts = parts
  }

  all<R>(text: string, ...values: readonly SqlValue[]): Promise<R[]> {
    return this.#tx.all<R>(text, ...values)
  }
  get<R>(text: string, ...values: readonly SqlValue[]): Promise<R | undefined> {
    return this.#tx.get<R>(text, ...values)
  }
  run(text: string, ...values: readonly SqlValue[]): Promise<number> {
    return this.#tx.run(text, ...values)
  }
  onCommit(listener: () => void): void {
    this.#tx.onCommit(listener)
  }

  async publish<T>(type: Publishable<T>, data: T, options?: PublishOptions): Promise<void> {
    const { outbox, envelopes } = this.#parts
    await outbox.add(this.#tx, [envelopes.wrap(this.#ctx, type, data, options)])
  }

  async schedule<T>(type: Publishable<T>, data: T, options: ScheduleOptions): Promise<void> {
    const { timer, at, afterMs, ...rest } = options
    if ((at === undefined) === (afterMs === undefined))
      throw new TypeError(`Timer ${timer}: give either at or afterMs.`)
    const { timers, envelopes } = this.#parts
    const message = envelopes.wrap(this.#ctx, type, data, rest)
    await timers.schedule(this.#tx, message, { key: timer, at: at ?? this.now + (afterMs as number) })
  }

  unschedule(timer: string): Promise<boolean> {
    return this.#parts.timers.cancel(this.#tx, timer)
  }

  aggregate<S, C, E extends AnyEvent>(type: Aggregate<S, C, E>, id: string): AggregateHandle<S, C, E> {
    return this.#parts.events.aggregate(this.#tx, type, id, causeOf(this.#ctx))
  }
}
