/**
 * Messages for later: kept in the service's own store, moved into the outbox in one transaction when they are due. Every process of a service has a pump; the
 * store serializes them, so each timer is moved once.
 */
import { type CancelTimer, Fault, type Runtime } from '../kernel/index.ts'
import type { Migration, Store, Transaction } from '../store/index.ts'
import { checkMessage, checkText } from './check-message.ts'
import type { CrashHook } from './crash-point.ts'
import type { Message } from './messaging.ts'
import type { Outbox } from './outbox.ts'

/** The table of the timers, in the service's own store. Module name `timers`. */
export const timerMigrations: readonly Migration[] = [
  {
    name: '001-timers',
    statements: ({ types: { key, text, integer } }) => [
      `create table timer (timer_key ${key} primary key, due ${integer} not null, message ${text} not null)`,
      `create index timer_due on timer (due)`,
    ],
  },
]

/** When a timer is due, and its name. Give `at` or `afterMs`. */
export interface TimerOptions {
  /** Milliseconds since 1970, store time. */
  readonly at?: number
  /** Milliseconds from the transaction's `now`. */
  readonly afterMs?: number
  /** Names the timer within the service: cancels it, and moves it when scheduled again. Default: the message's id. */
  readonly key?: string
}

/** Timers of a service. */
export interface Timers extends AsyncDisposable {
  /** Schedules a message in the caller's transaction. It is published at its time or soon after, never before; a timer with the same key is replaced. */
  schedule(tx: Transaction, message: Message, options: TimerOptions): Promise<void>
  /** Cancels a timer in the caller's transaction; whether there was one. One that is already moved to the outbox can't be cancelled. */
  cancel(tx: Transaction, key: string): Promise<boolean>
}

/** What timers are made with. */
export interface TimersOptions {
  /** The service's own store. */
  readonly store: Store
  /** Takes what is due. */
  readonly outbox: Outbox
  /** Hears of failures that are being retried. Default: nobody. */
  readonly onFault?: (fault: Fault) => void
  /** For tests; see `CRASH_POINTS`. */
  readonly crashPoint?: CrashHook
}

/** Most timers moved in one transaction. */
const BATCH = 100
/** Longest time without a look, milliseconds: another process may have scheduled one and died. */
const LOOK_MS = 1_000
const RETRY_MS = 250

/** Starts the pump, after the table was brought up to date. */
export async function createTimers(runtime: Runtime, options: TimersOptions): Promise<Timers> {
  await options.store.migrate('timers', timerMigrations)
  return new StoreTimers(runtime, options)
}

class StoreTimers implements Timers {
  readonly #runtime: Runtime
  readonly #options: TimersOptions
  readonly #upsert: string
  #armedFor = Number.POSITIVE_INFINITY
  #cancelTimer: CancelTimer | undefined
  #running: Promise<void> | undefined
  #closed = false

  constructor(runtime: Runtime, options: TimersOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#upsert = options.store.dialect.upsert('timer', ['timer_key'], ['timer_key', 'due', 'message'])
    this.#arm(0)
  }

  async schedule(tx: Transaction, message: Message, options: TimerOptions): Promise<void> {
    const { at, afterMs, key = message.id } = options
    const due = Math.ceil(at ?? tx.now + (afterMs ?? Number.NaN))
    if (!Number.isFinite(due))
      throw new TypeError(`at is ${at} and afterMs is ${afterMs}; give one of them, in milliseconds.`)
    checkText('timer key', key)
    checkMessage(message)
    await tx.run(this.#upsert, key, due, JSON.stringify(message))
    tx.onCommit(() => this.#arm(due - this.#runtime.clock.now()))
    this.#options.crashPoint?.('timers.scheduled-in-transaction')
  }

  async cancel(tx: Transaction, key: string): Promise<boolean> {
    return (await tx.run('delete from timer where timer_key = ?', key)) > 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#cancelTimer?.()
    await this.#running
  }

  /** Looks in `delayMs`, unless it looks before that anyway. */
  #arm(delayMs: number): void {
    if (this.#closed) return
    const { clock, timers } = this.#runtime
    const bounded = Math.max(0, Math.min(delayMs, LOOK_MS))
    const at = clock.monotonic() + bounded
    if (at >= this.#armedFor) return
    this.#armedFor = at
    this.#cancelTimer?.()
    this.#cancelTimer = timers.after(bounded, () => this.#fire(), { background: true })
  }

  #fire(): void {
    this.#armedFor = Number.POSITIVE_INFINITY
    if (this.#running !== undefined) {
      this.#arm(1) // the pump that runs may have looked before this one was there
      return
    }
    this.#running = this.#pump().finally(() => {
      this.#running = undefined
    })
  }

  async #pump(): Promise<void> {
    const { store, onFault } = this.#options
    try {
      for (;;) {
        const next = await store.reader.get<{ due: number | null }>('select min(due) as due from timer')
        const due = next?.due ?? Number.POSITIVE_INFINITY
        const now = await store.now()
        if (due > now || this.#closed) {
          this.#arm(due - now)
          return
        }
        await store.transaction(tx => this.#move(tx))
        this.#options.crashPoint?.('timers.moved')
      }
    } catch (error) {
      onFault?.(Fault.from(error))
      this.#arm(RETRY_MS)
    }
  }

  async #move(tx: Transaction): Promise<void> {
    const rows = await tx.all<{ timer_key: string; message: string }>(
      `select timer_key, message from timer where due <= ? order by due, timer_key limit ${BATCH}`,
      tx.now,
    )
    for (const { timer_key: key, message } of rows) {
      const read = JSON.parse(message) as Message
      await tx.run('delete from timer where timer_key = ?', key)
      // Its time is when it happens; its id is the one that was scheduled.
      await this.#options.outbox.add(tx, [{ ...read, key: read.key, time: tx.now }])
    }
    if (rows.length > 0) this.#options.crashPoint?.('timers.moved-in-transaction')
  }
}
