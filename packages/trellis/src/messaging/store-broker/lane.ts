import { type Deadline, Fault, type Runtime } from '../../kernel/index.ts'
import type { Attempt, Message } from '../messaging.ts'
import type { Topic } from './topics.ts'

const NO_HISTORY: readonly Attempt[] = Object.freeze([])

/** Who holds lanes, as far as their settling needs it. */
export interface LaneHolder {
  readonly runtime: Runtime
  readonly group: string
  /** Names the consumer in the store. */
  readonly consumer: string
  /** The failed attempt is written: the retry is due after `delayMs`. */
  retryLater(entry: Entry, delayMs: number): void
  /** Lets the next message of the same key come forward. */
  advance(entry: Entry): void
  /** A lane's settlements were written. */
  settled(lane: Lane): void
}

/** A message of a lane that is not settled yet. */
export class Entry {
  readonly lane: Lane
  readonly offset: number
  readonly key: string | undefined
  /** Undefined while it is parked: bodies of what waits stay in the store. */
  message: Message | undefined
  /** Attempts that failed. */
  attempts = 0
  history: readonly Attempt[] = NO_HISTORY
  /** How often its consumer has died over it in a row, as far as the lease tells. */
  deaths = 0
  /** Has a row in `broker_waiting`, or is about to: the lease counts it as settled. */
  parked = false
  /** The next message with the same key. */
  next: Entry | undefined
  /** Fires when its retry is due. */
  due: Deadline | undefined

  constructor(lane: Lane, offset: number, key: string | undefined, message: Message | undefined) {
    this.lane = lane
    this.offset = offset
    this.key = key
    this.message = message
  }
}

/** What is to be written about an entry. */
export type Op =
  | { readonly kind: 'ack'; readonly entry: Entry; readonly resolve: () => void; readonly reject: (e: unknown) => void }
  | {
      readonly kind: 'nack'
      readonly entry: Entry
      readonly delayMs: number
      readonly resolve: () => void
      readonly reject: (e: unknown) => void
    }
  | {
      readonly kind: 'dead'
      readonly entry: Entry
      readonly message: Message
      readonly cause: Attempt
      readonly resolve: () => void
      readonly reject: (e: unknown) => void
    }
  | { readonly kind: 'park'; readonly entry: Entry }

/**
 * A partition that a group has leased to this consumer. Messages are taken from it in order; those with one key form a chain of which only the first
 * is delivered. What is settled is kept as one number and the few offsets below it that are still open.
 */
export class Lane {
  readonly holder: LaneHolder
  readonly topic: Topic
  readonly slot: number
  readonly epoch: number
  /** Aborts when the lease is lost. */
  readonly controller: AbortController = new AbortController()
  /** `draining`: delivers no more, and gives its place up once nothing is in flight. */
  state: 'held' | 'draining' | 'lost' = 'held'
  /** Everything up to here was read. */
  fetched: number
  /** The highest offset that is settled. */
  settledTo: number
  /** Read and neither settled nor parked, in the order of offsets. */
  readonly open: Set<Entry> = new Set()
  /** The last message of each key. */
  readonly tails: Map<string, Entry> = new Map()
  /** Entries with an armed `due`. */
  readonly waiting: Set<Entry> = new Set()
  inFlight = 0
  /** Whether there may be messages beyond `fetched`. */
  behind = true
  fetching = false
  /** Rows of the next read: fewer when messages are large. */
  fetchLimit = 16
  /** While positive, one message at a time: its consumer has died over it. Counts down with each that is settled. */
  careful = 0
  /** The message that stood first when consumers died, and how often. */
  crashOffset = 0
  crashes = 0
  /** Waits to be written. */
  ops: Op[] = []
  /** Ops that are not known to be written. */
  unwritten = 0
  /** Asks for its place to be given up with the next write. */
  releasing: PromiseWithResolvers<void> | undefined

  constructor(holder: LaneHolder, topic: Topic, slot: number, epoch: number, settledTo: number) {
    this.holder = holder
    this.topic = topic
    this.slot = slot
    this.epoch = epoch
    this.settledTo = settledTo
    this.fetched = settledTo
  }

  /** Counts an entry as settled, as far as the lease is concerned. */
  pass(entry: Entry): void {
    this.open.delete(entry)
    if (entry.offset > this.settledTo) this.settledTo = entry.offset
  }

  /** The offsets below `settledTo` that are not settled, as stored. */
  openOffsets(): string {
    let text = ''
    for (const { offset } of this.open) {
      if (offset > this.settledTo) break
      text += text === '' ? `${offset}` : `,${offset}`
    }
    return text
  }

  /** Delivers no more: somebody else has the lease, or the process lets go. What waits to be written is refused by the settler. */
  lose(fault: Fault): void {
    if (this.state === 'lost') return
    this.state = 'lost'
    const { deadlines } = this.holder.runtime
    for (const { due } of this.waiting) if (due !== undefined) deadlines.remove(due)
    this.waiting.clear()
    this.controller.abort(fault)
  }
}

/** `aborted` / `LEASE_LOST`. */
export function leaseLost(): Fault {
  return new Fault(
    'aborted',
    'The message belongs to another consumer by now, which handles it again; give up this attempt.',
    { reason: 'LEASE_LOST' },
  )
}
