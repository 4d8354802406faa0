import type { Cause } from '../kernel/cause.ts'
import { Fault } from '../kernel/fault.ts'
import type { Runtime } from '../kernel/runtime.ts'
import type { Store, Transaction } from '../store/store.ts'
import type { Logger } from '../telemetry/telemetry.ts'
import type { Aggregate } from './aggregate.ts'
import { type AggregateHandle, aggregateHandle } from './aggregate-handle.ts'
import type { AnyEvent, EventFamily, PositionedEvent, RecordedEvent } from './events.ts'
import { EventFeed } from './feed.ts'
import { applyInline } from './inline.ts'
import { eventMigrations } from './migrations.ts'
import { headPosition, orderedReader } from './order.ts'
import { prepareProjection } from './prepare.ts'
import type { Projection } from './projection.ts'
import { checkpointOf, projectionState } from './projection-state.ts'
import { Projector } from './projector.ts'
import { rebuildProjection } from './rebuild.ts'
import { readEvents } from './stream.ts'

/** What an event store stands on. */
export interface EventStoreOptions {
  readonly store: Store
  /** The projections of the service. Default: none. */
  readonly projections?: readonly Projection[]
  /** How often to look for events of other processes, in milliseconds. Default 250; only for them, since this process wakes itself. */
  readonly pollMs?: number
  /** Gets a line when a projection fails or the store is away. */
  readonly logger?: Logger
}

/** Where a subscription starts and ends. */
export interface SubscribeOptions {
  /** Position, or version of the aggregate, behind which to start. Default 0: with the first event. */
  readonly after?: number
  /** Ends the iteration. */
  readonly signal?: AbortSignal
}

/** How a projection does. */
export interface ProjectionStatus {
  readonly name: string
  readonly mode: 'inline' | 'asynchronous'
  readonly version: number
  /** Events not yet applied; 0 for an inline projection. */
  readonly lag: number
  /** Why an asynchronous projection does not get on. */
  readonly failure: Fault | undefined
}

/**
 * Opens the events of a service: brings its tables up to date, prepares the projections (a new or changed one is built before this resolves) and runs
 * the asynchronous ones. Dispose of it before its store.
 *
 * @example
 * await using events = await openEventStore(runtime, { store, projections: [orderList] })
 * const { state } = await store.transaction(tx => events.aggregate(tx, Order, id, causeOf(ctx)).execute({ kind: 'create' }))
 */
export async function openEventStore(runtime: Runtime, options: EventStoreOptions): Promise<EventStore> {
  const { store, projections = [], pollMs = 250, logger } = options
  if (!(pollMs > 0)) throw new RangeError(`pollMs is ${pollMs}; use a number of milliseconds above 0.`)
  checkNames(projections)
  await store.migrate('events', eventMigrations)
  for (const projection of projections) await prepareProjection(runtime, store, projection)
  return new EventStore(runtime, { store, projections, pollMs, logger })
}

/** The aggregates and projections of one service. */
export class EventStore implements AsyncDisposable {
  readonly #runtime: Runtime
  readonly #store: Store
  readonly #projections: readonly Projection[]
  readonly #inline: ReadonlyMap<string, readonly Projection[]>
  readonly #feed: EventFeed
  readonly #projectors: readonly Projector[]

  /** @internal use `openEventStore` */
  constructor(
    runtime: Runtime,
    options: Required<Omit<EventStoreOptions, 'logger'>> & { readonly logger: Logger | undefined },
  ) {
    const { store, projections, logger } = options
    this.#runtime = runtime
    this.#store = store
    this.#projections = projections
    this.#inline = byFamily(projections.filter(({ mode }) => mode === 'inline'))
    this.#feed = new EventFeed(runtime, options)
    const parts = { store, feed: this.#feed, logger }
    const asynchronous = projections.filter(({ mode }) => mode === 'asynchronous')
    this.#projectors = asynchronous.map(projection => new Projector(runtime, projection, parts))
    for (const projector of this.#projectors) projector.start()
  }

  /** One aggregate, for use in a transaction of the store; what it appends is caused by `cause` (`causeOf(ctx)`). */
  aggregate<S, C, E extends AnyEvent>(
    tx: Transaction,
    definition: Aggregate<S, C, E>,
    id: string,
    cause: Cause,
  ): AggregateHandle<S, C, E> {
    const appended = (events: readonly RecordedEvent<E>[]): Promise<void> => this.#appended(tx, events)
    return aggregateHandle({ tx, random: this.#runtime.random, cause, appended }, definition, id)
  }

  /** All events of the given families, committed ones only, in the store's order, as long as the iteration goes on. */
  async *subscribe<E extends AnyEvent>(
    families: readonly EventFamily<E>[],
    { after = 0, signal }: SubscribeOptions = {},
  ): AsyncGenerator<PositionedEvent<E>, void, undefined> {
    const read = orderedReader(families)
    const { reader } = this.#store
    const bell = this.#feed.follow()
    try {
      for (let position = after; !signal?.aborted; ) {
        const head = await headPosition(reader)
        const batch = await read(reader, position, head, PAGE)
        position = batch.position
        yield* batch.events
        if (position >= head && !(await bell.wait(signal))) return
      }
    } finally {
      this.#feed.leave(bell)
    }
  }

  /** The events of one aggregate behind version `after`, then each new one, as long as the iteration goes on. */
  async *changes<E extends AnyEvent>(
    family: EventFamily<E>,
    id: string,
    { after = 0, signal }: SubscribeOptions = {},
  ): AsyncGenerator<RecordedEvent<E>, void, undefined> {
    const key = { aggregate: family.name, aggregateId: id }
    const bell = this.#feed.watch(key)
    try {
      for (let version = after; !signal?.aborted; ) {
        const events = await readEvents(this.#store.reader, family, id, { after: version, limit: PAGE })
        version += events.length
        yield* events
        if (events.length < PAGE && !(await bell.wait(signal))) return
      }
    } finally {
      this.#feed.leave(bell, key)
    }
  }

  /** Builds a projection anew from all events while the service goes on; queries see the old rows until it is done. `not_found` / `UNKNOWN_PROJECTION`. */
  async rebuild(name: string): Promise<void> {
    const projection = this.#projections.find(candidate => candidate.name === name)
    if (projection === undefined) throw unknownProjection(name, this.#projections)
    await rebuildProjection(this.#runtime, this.#store, projection)
  }

  /** How the projections do. */
  async status(): Promise<readonly ProjectionStatus[]> {
    const { reader } = this.#store
    const pending = await reader.get<{ size: number }>('select count(*) as size from trellis_events_unordered')
    const last = (await headPosition(reader)) + (pending?.size ?? 0)
    const statuses: ProjectionStatus[] = []
    for (const { name, mode } of this.#projections) {
      const state = await projectionState(reader, name)
      const checkpoint = (await checkpointOf(reader, name)) ?? 0
      const failure = this.#projectors.find(({ projection }) => projection.name === name)?.failure
      const lag = mode === 'inline' ? 0 : Math.max(0, last - checkpoint)
      statuses.push({ name, mode, version: state?.version ?? 0, lag, failure })
    }
    return statuses
  }

  /** Ends subscriptions and stops the projections after the batch in hand. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#projectors.map(projector => projector.stop()))
    await this.#feed.stop()
  }

  async #appended(tx: Transaction, events: readonly RecordedEvent[]): Promise<void> {
    const { aggregate, aggregateId } = events[0]!
    for (const projection of this.#inline.get(aggregate) ?? []) {
      await applyInline(this.#runtime, this.#store, tx, projection, events)
    }
    tx.onCommit(() => this.#feed.committed({ aggregate, aggregateId }))
  }
}

/** Events read at once by a subscription. */
const PAGE = 500

function byFamily(projections: readonly Projection[]): ReadonlyMap<string, readonly Projection[]> {
  const map = new Map<string, Projection[]>()
  for (const projection of projections) {
    for (const { name } of projection.from) map.set(name, [...(map.get(name) ?? []), projection])
  }
  return map
}

function checkNames(projections: readonly Projection[]): void {
  const seen = new Map<string, string>()
  for (const { name, tables } of projections) {
    for (const key of [`projection ${name}`, ...Object.keys(tables).map(table => `table ${table}`)]) {
      const other = seen.get(key)
      if (other !== undefined) throw new TypeError(`The ${key} is declared twice, by ${other} and ${name}; rename one.`)
      seen.set(key, name)
    }
  }
}

function unknownProjection(name: string, projections: readonly Projection[]): Fault {
  const known = projections.map(projection => projection.name).join(', ') || 'none'
  return new Fault('not_found', `There is no projection ${name}; this service has: ${known}.`, {
    reason: 'UNKNOWN_PROJECTION',
  })
}
