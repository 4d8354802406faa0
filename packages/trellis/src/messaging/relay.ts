/**
 * Carries the outbox to the broker: takes records in order inside a transaction, publishes them, and removes them in the next one. Taking them by a transaction
 * matters: it resolves once all that it has seen is durable, while a plain read may see a commit that power loss still takes back.
 *
 * One relay of a service works at a time, by a lease, so that the records of a key stay in order. A crash between publishing and removing publishes again with
 * the same ids, which the consumers' inboxes drop.
 */
import { type CancelTimer, Fault, type FaultCode, type Runtime } from '../kernel/index.ts'
import type { Store, Transaction } from '../store/index.ts'
import type { CrashHook } from './crash-point.ts'
import type { Broker, Message } from './messaging.ts'
import { type Outbox, outboxMigrations } from './outbox.ts'

/** Options of a relay. */
export interface RelayOptions {
  /** The service's own store, which holds the outbox. */
  readonly store: Store
  readonly broker: Broker
  readonly outbox: Outbox
  /** Names this process, the same after a restart, so that it need not wait for the lease of its earlier life. No two live processes may share it. Default: a new name each time. */
  readonly instance?: string
  /** How long a relay that died keeps others from working, milliseconds. Default 5,000. */
  readonly leaseMs?: number
  /** How often a record that the broker refuses is tried before it is set aside. Default 5, some 3 seconds; a broker that is down never counts. */
  readonly maxAttempts?: number
  /** Hears of failures that are being retried, and of records that were set aside. Default: nobody. */
  readonly onFault?: (fault: Fault) => void
  /** For tests; see `CRASH_POINTS`. */
  readonly crashPoint?: CrashHook
}

/** A record that the broker refused for good. */
export interface SetAside {
  readonly number: number
  readonly message: Message
  readonly setAsideAt: number
  readonly code: string
  readonly reason: string
  readonly cause: string
}

/** How far the broker is behind the outbox. */
export interface OutboxLag {
  readonly messages: number
  /** Age of the oldest, milliseconds. */
  readonly oldestMs: number
}

/** A running relay. Disposing of it waits for the batch in hand. */
export interface Relay extends AsyncDisposable {
  lag(): Promise<OutboxLag>
  /** Records that were set aside, oldest first, 100 at most. */
  setAside(): Promise<readonly SetAside[]>
  /** Puts records that were set aside back at the end of the outbox; the number of them. */
  giveBack(numbers: readonly number[]): Promise<number>
}

const MAX_BATCH = 256
/** Characters that one batch aims at. */
const BATCH_CHARACTERS = 1024 * 1024
/** Pause between looks for records of processes that died, milliseconds. */
const LOOK_MS = 1_000
const FIRST_PAUSE_MS = 50
/** Longest pause while the broker is down: what waits leaves soon after it is back. */
const LONGEST_PAUSE_MS = 2_000
/** Pause before a refused record is tried again, milliseconds; it doubles with each attempt. */
const REFUSED_PAUSE_MS = 200
/** Pause while nothing but refused records is left, milliseconds. */
const REFUSED_LOOK_MS = 50
/** Records removed by one statement; its text must be constant. */
const REMOVE_CHUNK = 32
const REMOVE = `delete from outbox where number in (${Array.from({ length: REMOVE_CHUNK }, () => '?').join(', ')})`

/** Codes with which a broker refuses the message itself; every other failure may pass. */
const REFUSALS: ReadonlySet<FaultCode> = new Set<FaultCode>([
  'invalid_argument',
  'not_found',
  'failed_precondition',
  'out_of_range',
  'unimplemented',
])

interface OutboxRow {
  readonly number: number
  readonly id: string
  readonly topic: string
  readonly source: string
  readonly sent_at: number
  readonly order_key: string | null
  readonly body: string
  readonly attributes: string
  readonly deliver_at: number | null
  readonly attempts: number
}

interface Refused {
  readonly row: OutboxRow
  readonly fault: Fault
}

/** What became of a batch. */
interface Sent {
  readonly numbers: readonly number[]
  readonly refused: readonly Refused[]
  /** Why the rest was not sent. */
  readonly failure: Fault | undefined
}

interface Taken {
  readonly rows: readonly OutboxRow[]
  /** Another relay works until this time of the store. */
  readonly busyUntil: number | undefined
  readonly now: number
}

const NOTHING: Sent = { numbers: [], refused: [], failure: undefined }

/** Starts a relay, after its tables were brought up to date. */
export async function createRelay(runtime: Runtime, options: RelayOptions): Promise<Relay> {
  const { leaseMs = 5_000, maxAttempts = 5 } = options
  if (!(leaseMs >= 100)) throw new RangeError(`leaseMs is ${leaseMs}; it must be at least 100.`)
  if (!(maxAttempts >= 1)) throw new RangeError(`maxAttempts is ${maxAttempts}; it must be at least 1.`)
  await options.store.migrate('outbox', outboxMigrations)
  return new OutboxRelay(runtime, options, leaseMs, maxAttempts)
}

class OutboxRelay implements Relay {
  readonly #runtime: Runtime
  readonly #options: RelayOptions
  readonly #store: Store
  readonly #owner: string
  readonly #leaseMs: number
  readonly #maxAttempts: number
  readonly #unlisten: () => void
  #running: Promise<void> | undefined
  #woken = false
  #cancelLook: CancelTimer | undefined
  #resume: (() => void) | undefined
  #limit = 32
  #pauseMs = FIRST_PAUSE_MS
  /** Refused records, and when each is tried again, by the monotonic clock. */
  readonly #refused: Map<number, number> = new Map()
  #closed = false

  constructor(runtime: Runtime, options: RelayOptions, leaseMs: number, maxAttempts: number) {
    this.#runtime = runtime
    this.#options = options
    this.#store = options.store
    this.#owner = options.instance ?? runtime.random.id()
    this.#leaseMs = leaseMs
    this.#maxAttempts = maxAttempts
    this.#unlisten = options.outbox.onAdded(() => this.#wake())
    this.#wake()
  }

  async lag(): Promise<OutboxLag> {
    const row = await this.#store.reader.get<{ messages: number; oldest: number | null }>(
      'select count(*) as messages, min(sent_at) as oldest from outbox',
    )
    const messages = row?.messages ?? 0
    return { messages, oldestMs: row?.oldest == null ? 0 : Math.max(0, (await this.#store.now()) - row.oldest) }
  }

  async setAside(): Promise<readonly SetAside[]> {
    const rows = await this.#store.reader.all<{
      number: number
      message: string
      set_aside_at: number
      code: string
      reason: string
      cause: string
    }>('select number, message, set_aside_at, code, reason, cause from outbox_set_aside order by number limit 100')
    return rows.map(({ number, message, set_aside_at: setAsideAt, code, reason, cause }) => {
      const read = JSON.parse(message) as Message
      return { number, message: { ...read, key: read.key }, setAsideAt, code, reason, cause }
    })
  }

  giveBack(numbers: readonly number[]): Promise<number> {
    return this.#store.transaction(async tx => {
      let count = 0
      for (const number of numbers) {
        const row = await tx.get<{ message: string }>('select message from outbox_set_aside where number = ?', number)
        if (row === undefined) continue
        await tx.run('delete from outbox_set_aside where number = ?', number)
        await this.#options.outbox.add(tx, [JSON.parse(row.message) as Message])
        count++
      }
      return count
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#unlisten()
    this.#cancelLook?.()
    this.#resume?.()
    await this.#running
  }

  #wake(): void {
    this.#woken = true
    if (this.#closed || this.#running !== undefined) return
    this.#cancelLook?.()
    this.#running = this.#work().finally(() => {
      this.#running = undefined
      if (this.#woken) this.#wake()
    })
  }

  /** Carries until the outbox is empty. Never rejects. */
  async #work(): Promise<void> {
    let sent = NOTHING
    while (!this.#closed || sent !== NOTHING) {
      this.#woken = false
      try {
        const done = sent
        const taken = await this.#store.transaction(tx => this.#step(tx, done))
        if (done.numbers.length > 0) this.#options.crashPoint?.('relay.removed')
        for (const { row } of done.refused) if (row.attempts + 1 >= this.#maxAttempts) this.#refused.delete(row.number)
        sent = NOTHING
        if (this.#closed) return // an earlier wake may have taken more: the lease runs out, or the same instance comes back
        if (taken.busyUntil !== undefined) {
          this.#lookAfter(Math.min(LOOK_MS, Math.max(1, taken.busyUntil - taken.now)))
          return
        }
        if (taken.rows.length === 0) {
          if (this.#woken) continue
          this.#lookAfter(LOOK_MS)
          return
        }
        this.#options.crashPoint?.('relay.claimed')
        const rows = this.#due(taken.rows)
        if (rows.length === 0) {
          await this.#pause(REFUSED_LOOK_MS)
          continue
        }
        sent = await this.#send(rows)
        this.#options.crashPoint?.('relay.published')
        if (sent.failure !== undefined) throw sent.failure
        this.#pauseMs = FIRST_PAUSE_MS
      } catch (error) {
        this.#report(error)
        if (this.#closed) return // what was sent and not removed is sent again by the next relay
        await this.#pause(this.#pauseMs * (0.5 + 0.5 * this.#runtime.random.next()))
        this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS)
      }
    }
  }

  #lookAfter(delayMs: number): void {
    if (this.#closed) return
    this.#cancelLook = this.#runtime.timers.after(delayMs, () => void this.#look(), { background: true })
  }

  /** Looks for what another process left behind. */
  async #look(): Promise<void> {
    try {
      const row = await this.#store.reader.get('select number from outbox order by number limit 1')
      if (row !== undefined) {
        this.#wake()
        return
      }
    } catch (error) {
      this.#report(error)
    }
    if (this.#running === undefined) this.#lookAfter(LOOK_MS)
  }

  async #pause(delayMs: number): Promise<void> {
    await new Promise<void>(resolve => {
      const cancel = this.#runtime.timers.after(delayMs, resolve, { background: true })
      this.#resume = () => {
        cancel()
        resolve()
      }
    })
    this.#resume = undefined
  }

  #report(error: unknown): void {
    this.#options.onFault?.(Fault.from(error))
  }

  /**
   * Removes what was sent and takes the next records. To take always writes the lease: the flush of that write covers records that another process
   * has committed and not flushed yet.
   */
  async #step(tx: Transaction, sent: Sent): Promise<Taken> {
    await removeRecords(tx, sent.numbers)
    for (const { row, fault } of sent.refused) await this.#refuse(tx, row, fault)
    if (sent.numbers.length > 0) this.#options.crashPoint?.('relay.removed-in-transaction')
    const lease = await tx.get<{ owner: string | null; expires: number }>(
      'select owner, expires from outbox_lease where id = 1',
    )
    if (lease === undefined) throw new Fault('data_loss', 'The outbox has lost its lease row; restore a backup.')
    // Further ahead than a lease reaches: the clock was set back since.
    const runs = lease.expires > tx.now && lease.expires <= tx.now + 2 * this.#leaseMs
    if (lease.owner !== null && lease.owner !== this.#owner && runs)
      return { rows: [], busyUntil: lease.expires, now: tx.now }
    const rows = await tx.all<OutboxRow>(
      'select number, id, topic, source, sent_at, order_key, body, attributes, deliver_at, attempts from outbox order by number limit ?',
      this.#limit,
    )
    if (rows.length > 0)
      await tx.run('update outbox_lease set owner = ?, expires = ? where id = 1', this.#owner, tx.now + this.#leaseMs)
    else if (lease.owner !== null) await tx.run('update outbox_lease set owner = null, expires = 0 where id = 1')
    return { rows, busyUntil: undefined, now: tx.now }
  }

  async #refuse(tx: Transaction, row: OutboxRow, fault: Fault): Promise<void> {
    if (row.attempts + 1 < this.#maxAttempts) {
      await tx.run('update outbox set attempts = ? where number = ?', row.attempts + 1, row.number)
      return
    }
    // Deleted first: when another relay has set it aside already, it is not there any more.
    if ((await tx.run('delete from outbox where number = ?', row.number)) === 0) return
    await tx.run(
      'insert into outbox_set_aside (number, message, set_aside_at, code, reason, cause) values (?, ?, ?, ?, ?, ?)',
      row.number,
      JSON.stringify(toMessage(row)),
      tx.now,
      fault.code,
      fault.reason,
      fault.message,
    )
    this.#options.crashPoint?.('relay.set-aside-in-transaction')
  }

  /** Leaves out records that were refused a moment ago, and those behind them with the same key. */
  #due(rows: readonly OutboxRow[]): readonly OutboxRow[] {
    if (this.#refused.size === 0) return rows
    const now = this.#runtime.clock.monotonic()
    const held = new Set<string>()
    return rows.filter(({ number, order_key: key }) => {
      const until = this.#refused.get(number)
      if ((until === undefined || until <= now) && (key === null || !held.has(key))) return true
      if (key !== null) held.add(key)
      return false
    })
  }

  async #send(rows: readonly OutboxRow[]): Promise<Sent> {
    const characters = rows.reduce((sum, row) => sum + row.body.length + row.attributes.length, 0)
    const average = Math.max(1, characters / rows.length)
    this.#limit = Math.max(1, Math.min(MAX_BATCH, Math.floor(BATCH_CHARACTERS / average)))
    try {
      await this.#options.broker.publish(rows.map(toMessage))
      return { numbers: rows.map(row => row.number), refused: [], failure: undefined }
    } catch (error) {
      const fault = Fault.from(error)
      if (!isRefusal(fault)) return { numbers: [], refused: [], failure: fault }
      return this.#sendSingly(rows)
    }
  }

  /** One record of the batch is refused: finds it, and lets the others pass but those of its key. */
  async #sendSingly(rows: readonly OutboxRow[]): Promise<Sent> {
    const numbers: number[] = []
    const refused: Refused[] = []
    const held = new Set<string>()
    for (const row of rows) {
      if (row.order_key !== null && held.has(row.order_key)) continue
      try {
        await this.#options.broker.publish([toMessage(row)])
        numbers.push(row.number)
      } catch (error) {
        const fault = Fault.from(error)
        if (!isRefusal(fault)) return { numbers, refused, failure: fault }
        this.#report(fault)
        refused.push({ row, fault })
        this.#refused.set(
          row.number,
          this.#runtime.clock.monotonic() + REFUSED_PAUSE_MS * 2 ** Math.min(row.attempts, 10),
        )
        if (row.order_key !== null) held.add(row.order_key)
      }
    }
    return { numbers, refused, failure: undefined }
  }
}

function isRefusal(fault: Fault): boolean {
  return REFUSALS.has(fault.code) || (fault.code === 'resource_exhausted' && !fault.retryable)
}

async function removeRecords(tx: Transaction, numbers: readonly number[]): Promise<void> {
  for (let start = 0; start < numbers.length; start += REMOVE_CHUNK) {
    const chunk = numbers.slice(start, start + REMOVE_CHUNK)
    while (chunk.length < REMOVE_CHUNK) chunk.push(chunk[0] as number)
    await tx.run(REMOVE, ...chunk)
  }
}

function toMessage(row: OutboxRow): Message {
  const message: Message = {
    id: row.id,
    topic: row.topic,
    source: row.source,
    time: row.sent_at,
    key: row.order_key ?? undefined,
    data: row.body,
    attributes: JSON.parse(row.attributes) as Record<string, string>,
  }
  return row.deliver_at === null ? message : { ...message, deliverAt: row.deliver_at }
}
