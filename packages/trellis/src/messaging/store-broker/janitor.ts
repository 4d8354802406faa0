import type { CancelTimer, Runtime } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'
import type { CrashHook } from '../crash-point.ts'
import { positionOf } from './position.ts'

/** Pause between rounds, milliseconds: idle, and while there is more to remove. */
const IDLE_MS = 60_000
const BUSY_MS = 500
/** Most messages removed in one transaction: a few milliseconds of the writer. */
const CHUNK = 1_000

/** What the janitor works with. */
export interface JanitorParts {
  readonly runtime: Runtime
  readonly store: Store
  readonly retentionMs: number
  readonly retainPerPartition: number
  readonly onFault: (error: unknown) => void
  readonly crashPoint: CrashHook | undefined
}

interface SlotRow {
  readonly slot: number
  readonly head: number
  readonly kind: string
  readonly oldest: number | null
  readonly settled: number | null
}

/**
 * Removes messages that every group has settled, once they are older than the retention or too many. Without a group, events go by age and number,
 * and one-way messages stay until someone takes them. Every process has one; two at once do the same thing twice, which is harmless.
 */
export class Janitor {
  readonly #parts: JanitorParts
  #timer: CancelTimer | undefined
  #round: Promise<void> | undefined
  #closed = false

  constructor(parts: JanitorParts) {
    this.#parts = parts
    this.#schedule(IDLE_MS)
  }

  /** Removes what may go, now; the number of messages. */
  async trim(): Promise<number> {
    const { store } = this.#parts
    const slots = await store.reader.all<SlotRow>(`select p.slot as slot, p.head as head, t.kind as kind,
      (select min(l.settled_to) from broker_lease l where l.slot = p.slot) as settled,
      (select m.stored_at from broker_message m where m.position > p.slot * ${positionOf(1, 0)} and m.position < (p.slot + 1) * ${positionOf(1, 0)}
        order by m.position limit 1) as oldest
      from broker_partition p join broker_topic t on t.id = p.topic where p.head > 0`)
    const now = await store.now()
    let removed = 0
    for (const slot of slots) {
      if (this.#closed) break
      if (slot.oldest === null || (slot.settled === null && slot.kind === 'message')) continue
      removed += await this.#trimSlot(slot.slot, slot.head, now)
    }
    return removed
  }

  /** Ends the rounds. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.()
    await this.#round
  }

  #schedule(delayMs: number): void {
    if (this.#closed) return
    const { runtime } = this.#parts
    const jittered = delayMs * (0.5 + runtime.random.next())
    this.#timer = runtime.timers.after(
      jittered,
      () => {
        this.#round = this.#work()
      },
      { background: true },
    )
  }

  async #work(): Promise<void> {
    let removed = 0
    try {
      removed = await this.trim()
    } catch (error) {
      this.#parts.onFault(error)
    }
    this.#schedule(removed >= CHUNK ? BUSY_MS : IDLE_MS)
  }

  async #trimSlot(slot: number, head: number, now: number): Promise<number> {
    const { store, retentionMs, retainPerPartition } = this.#parts
    const from = positionOf(slot, 0)
    // What is left over at the front because it waits is read again each round; it is little, and goes when it is settled.
    const rows = await store.reader.all<{ position: number; stored_at: number }>(
      `select position, stored_at from broker_message where position > ? and position < ? order by position limit ${CHUNK}`,
      from,
      positionOf(slot + 1, 0),
    )
    const keepFrom = from + head - retainPerPartition
    let to = from
    for (const row of rows) {
      if (row.stored_at > now - retentionMs && row.position > keepFrom) break
      to = row.position
    }
    if (to === from) return 0
    return store.transaction(async tx => {
      let upTo = to
      const leases = await tx.all<{ settled_to: number; open_offsets: string }>(
        'select settled_to, open_offsets from broker_lease where slot = ?',
        slot,
      )
      for (const { settled_to: settledTo, open_offsets: open } of leases) {
        const first = open === '' ? settledTo : Number.parseInt(open, 10) - 1
        upTo = Math.min(upTo, from + first)
      }
      const removed = await tx.run(
        `delete from broker_message where position > ? and position <= ? and not exists
          (select 1 from broker_waiting w where w.slot = ? and w.message_offset = broker_message.position - ?)`,
        from,
        upTo,
        slot,
        from,
      )
      if (removed > 0) this.#parts.crashPoint?.('broker.trim-in-transaction')
      return removed
    })
  }
}
