import type { Runtime } from '../../kernel/index.ts'
import type { Store, Transaction } from '../../store/index.ts'
import type { CrashHook } from '../crash-point.ts'
import { type Lane, leaseLost, type Op } from './lane.ts'

/** Unwritten settlements beyond which no more is delivered: what a crash may deliver again stays bounded. */
export const MAX_UNWRITTEN = 2_048
/** First and longest pause while the store cannot be written, milliseconds. */
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 1_000

const DEAD_COLUMNS = [
  'group_name',
  'slot',
  'message_offset',
  'topic',
  'dead_at',
  'message',
  'cause',
  'history',
] as const

/** What the settler works with. */
export interface SettlerParts {
  readonly runtime: Runtime
  readonly store: Store
  /** A lane's lease turned out to belong to somebody else. */
  readonly onLost: (lane: Lane) => void
  /** A place was given up. */
  readonly onReleased: (lane: Lane) => void
  /** Room was made below `MAX_UNWRITTEN`. */
  readonly onRoom: () => void
  readonly onFault: (error: unknown) => void
  readonly crashPoint: CrashHook | undefined
}

/** One lane's part of a transaction: taken once, so that a re-run of the body writes the same. */
interface Part {
  readonly lane: Lane
  readonly ops: readonly Op[]
  readonly settledTo: number
  readonly open: string
  readonly release: boolean
}

/** Writes what was settled: all lanes of a turn in one transaction, one transaction at a time. */
export class Settler {
  readonly #parts: SettlerParts
  readonly #dirty: Set<Lane> = new Set()
  #running: Promise<void> | undefined
  #unwritten = 0
  #closed = false
  readonly #upsertWaiting: string
  readonly #holdBack: string
  readonly #insertDead: string

  constructor(parts: SettlerParts) {
    this.#parts = parts
    const columns = ['group_name', 'slot', 'message_offset', 'order_key', 'attempts', 'due', 'history']
    this.#upsertWaiting = parts.store.dialect.upsert('broker_waiting', columns.slice(0, 3), columns)
    this.#insertDead = parts.store.dialect.insertOrIgnore('broker_dead', DEAD_COLUMNS)
    this.#holdBack = parts.store.dialect.insertOrIgnore('broker_waiting', columns)
  }

  /** Whether more may be delivered. */
  get room(): boolean {
    return this.#unwritten < MAX_UNWRITTEN
  }

  /** Writes this soon. */
  add(op: Op): void {
    this.#unwritten++
    const { lane } = op.entry
    lane.ops.push(op)
    lane.unwritten++
    this.touch(lane)
  }

  /** Writes a lane's state soon. */
  touch(lane: Lane): void {
    this.#dirty.add(lane)
    this.#running ??= this.#run()
  }

  /** Gives a lane's place up, with what is settled by then; resolves also when the lease was lost. */
  release(lane: Lane): Promise<void> {
    if (lane.releasing === undefined) {
      lane.releasing = Promise.withResolvers()
      this.touch(lane)
    }
    return lane.releasing.promise
  }

  /** Stops trying; what is unwritten is delivered again elsewhere. */
  close(): void {
    this.#closed = true
  }

  /** Resolves when everything is written or given up. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    // What else this turn settles joins in.
    await new Promise<void>(resolve => this.#parts.runtime.timers.turn(resolve))
    while (this.#dirty.size > 0) {
      const batch = this.#take()
      if (batch.length === 0) continue
      const wasFull = !this.room
      const lost = await this.#write(batch)
      for (const part of batch) {
        this.#unwritten -= part.ops.length
        part.lane.unwritten -= part.ops.length
      }
      for (const part of batch) this.#finish(part, lost)
      if (wasFull && this.room) this.#parts.onRoom()
    }
    this.#running = undefined
  }

  #take(): Part[] {
    const batch: Part[] = []
    for (const lane of this.#dirty) {
      const ops = lane.ops
      lane.ops = []
      if (lane.state === 'lost') {
        this.#unwritten -= ops.length
        refuse(lane, ops)
        continue
      }
      batch.push({
        lane,
        ops,
        settledTo: lane.settledTo,
        open: lane.openOffsets(),
        release: lane.releasing !== undefined,
      })
    }
    this.#dirty.clear()
    return batch
  }

  /** Writes a batch, again and again while the store cannot; the lanes that were lost. */
  async #write(batch: readonly Part[]): Promise<ReadonlySet<Lane>> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        const lost = await this.#parts.store.transaction(tx => this.#body(tx, batch))
        this.#parts.crashPoint?.('broker.settled')
        return lost
      } catch (error) {
        // Outcome unknown is no exception: writing the same once more changes nothing.
        this.#parts.onFault(error)
        if (this.#closed) return new Set(batch.map(part => part.lane))
        await this.#pause(pauseMs)
      }
    }
  }

  #pause(ms: number): Promise<void> {
    const { timers, random } = this.#parts.runtime
    return new Promise(resolve => void timers.after(ms * (0.5 + random.next()), resolve, { background: true }))
  }

  async #body(tx: Transaction, batch: readonly Part[]): Promise<ReadonlySet<Lane>> {
    const lost = new Set<Lane>()
    let released = false
    for (const part of batch) {
      const { lane } = part
      const consumer = lane.holder.consumer
      const held = await tx.run(
        'update broker_lease set settled_to = ?, open_offsets = ?, owner = ? where group_name = ? and slot = ? and owner = ? and epoch = ?',
        part.settledTo,
        part.open,
        part.release ? null : consumer,
        lane.holder.group,
        lane.slot,
        consumer,
        lane.epoch,
      )
      if (held === 0) {
        lost.add(lane)
        continue
      }
      released ||= part.release
      for (const op of part.ops) await this.#writeOp(tx, lane, op)
    }
    if (released) await tx.run('update broker_topology set version = version + 1 where id = 1')
    this.#parts.crashPoint?.('broker.settle-in-transaction')
    return lost
  }

  async #writeOp(tx: Transaction, lane: Lane, op: Op): Promise<void> {
    const { entry } = op
    const group = lane.holder.group
    const key = entry.key ?? null
    switch (op.kind) {
      case 'ack':
        if (entry.parked) await removeWaiting(tx, group, lane.slot, entry.offset)
        return
      case 'park':
        await tx.run(this.#holdBack, group, lane.slot, entry.offset, key, 0, 0, '')
        return
      case 'nack': {
        const history = JSON.stringify(entry.history)
        await tx.run(
          this.#upsertWaiting,
          group,
          lane.slot,
          entry.offset,
          key,
          entry.attempts,
          Math.ceil(tx.now + op.delayMs),
          history,
        )
        return
      }
      case 'dead':
        if (entry.parked) await removeWaiting(tx, group, lane.slot, entry.offset)
        await tx.run(
          this.#insertDead,
          group,
          lane.slot,
          entry.offset,
          lane.topic.name,
          tx.now,
          JSON.stringify(op.message),
          JSON.stringify(op.cause),
          JSON.stringify(entry.history),
        )
        return
      default:
        op satisfies never
    }
  }

  #finish(part: Part, lost: ReadonlySet<Lane>): void {
    const { lane } = part
    if (lost.has(lane)) {
      refuse(lane, part.ops)
      this.#parts.onLost(lane)
      return
    }
    for (const op of part.ops) {
      switch (op.kind) {
        case 'ack':
          op.resolve()
          break
        case 'nack':
          lane.holder.retryLater(op.entry, op.delayMs)
          op.resolve()
          break
        case 'dead':
          lane.holder.advance(op.entry)
          op.resolve()
          break
        case 'park':
          break
        default:
          op satisfies never
      }
    }
    if (part.release) {
      this.#parts.onReleased(lane)
      lane.releasing?.resolve()
    } else lane.holder.settled(lane)
  }
}

function refuse(lane: Lane, ops: readonly Op[]): void {
  const fault = leaseLost()
  for (const op of ops) if (op.kind !== 'park') op.reject(fault)
  lane.releasing?.resolve()
}

function removeWaiting(tx: Transaction, group: string, slot: number, offset: number): Promise<number> {
  return tx.run(
    'delete from broker_waiting where group_name = ? and slot = ? and message_offset = ?',
    group,
    slot,
    offset,
  )
}
