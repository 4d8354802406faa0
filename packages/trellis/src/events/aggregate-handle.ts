import type { Cause } from '../kernel/cause.ts'
import type { Random } from '../kernel/runtime.ts'
import type { Transaction } from '../store/store.ts'
import type { Aggregate } from './aggregate.ts'
import type { AnyEvent, RecordedEvent } from './events.ts'
import { unknownAggregate, versionConflict } from './faults.ts'
import { appendEvents, checkVersion, readEvents, versionOf } from './stream.ts'

/** An aggregate as its events left it. */
export interface Loaded<S> {
  readonly state: S
  /** Number of its events. */
  readonly version: number
}

/** What a command led to. */
export interface Executed<S, E extends AnyEvent> extends Loaded<S> {
  /** The events that were appended; none when the command changed nothing. */
  readonly events: readonly RecordedEvent<E>[]
}

/** Which version a change is made on. */
export interface ChangeOptions {
  /**
   * The version that the caller decided on (0: there must be none yet), or `existing`: any, but there must be one. Otherwise `aborted` /
   * `VERSION_CONFLICT`, or `not_found` / `UNKNOWN_AGGREGATE`. Default: whatever is there when the transaction runs.
   */
  readonly expectedVersion?: number | 'existing'
}

/** One aggregate inside one transaction. */
export interface AggregateHandle<S, C, E extends AnyEvent> {
  /** Its present state; `not_found` / `UNKNOWN_AGGREGATE` when nothing has happened to it. */
  load(): Promise<Loaded<S>>
  /** Its present state; undefined when nothing has happened to it. */
  find(): Promise<Loaded<S> | undefined>
  /** Decides a command on the present state and appends what follows. */
  execute(command: C, options?: ChangeOptions): Promise<Executed<S, E>>
  /** Appends events without a decision, for imports; the new version. */
  append(events: readonly E[], options?: ChangeOptions): Promise<number>
}

/** What a handle stands on. `appended` runs in the transaction, with events in the order of their versions. */
export interface HandleParts<E extends AnyEvent> {
  readonly tx: Transaction
  readonly random: Random
  readonly cause: Cause
  readonly appended: (events: readonly RecordedEvent<E>[]) => Promise<void>
}

/** Makes the handle of one aggregate for one transaction. */
export function aggregateHandle<S, C, E extends AnyEvent>(
  parts: HandleParts<E>,
  definition: Aggregate<S, C, E>,
  id: string,
): AggregateHandle<S, C, E> {
  const { tx, random, cause } = parts

  async function replay(): Promise<Loaded<S>> {
    const events = await readEvents(tx, definition, id)
    return { state: evolveAll(definition.initialState(id), events), version: events.length }
  }

  function evolveAll(start: S, events: readonly RecordedEvent<E>[]): S {
    let state = start
    for (const event of events) state = definition.evolve(state, event)
    return state
  }

  function check(version: number, { expectedVersion }: ChangeOptions): void {
    if (expectedVersion === undefined) return
    if (expectedVersion === 'existing') {
      if (version === 0) throw unknownAggregate(definition, id)
      return
    }
    checkVersion(expectedVersion)
    if (version !== expectedVersion) throw versionConflict(definition, id, expectedVersion, version)
  }

  async function store(expected: number, events: readonly E[]): Promise<RecordedEvent<E>[]> {
    const recorded = await appendEvents(tx, random, { family: definition, id, expected, cause }, events)
    if (recorded.length > 0) await parts.appended(recorded)
    return recorded
  }

  return {
    async load() {
      const loaded = await replay()
      if (loaded.version === 0) throw unknownAggregate(definition, id)
      return loaded
    },
    async find() {
      const loaded = await replay()
      return loaded.version === 0 ? undefined : loaded
    },
    async execute(command, options = {}) {
      const { state, version } = await replay()
      check(version, options)
      const decided = definition.decide(command, state)
      const events = await store(version, Array.isArray(decided) ? decided : [decided as E])
      return { state: evolveAll(state, events), version: version + events.length, events }
    },
    async append(events, options = {}) {
      const version = await versionOf(tx, definition, id)
      check(version, options)
      return version + (await store(version, events)).length
    },
  }
}
