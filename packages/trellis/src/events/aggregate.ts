import type { AnyEvent, EventFamily, EventOf, EventSchemas, RecordedEvent, Upcaster } from './events.ts'

/**
 * A kind of aggregate as three pure functions (the decider of https://thinkbeforecoding.com/post/2021/12/17/functional-event-sourcing-decider).
 * Inert data, made by `aggregate`.
 */
export interface Aggregate<S, C, E extends AnyEvent> extends EventFamily<E> {
  /** State before the first event. */
  readonly initialState: (id: string) => S
  /** What a command leads to; no event when nothing changes. Throws a fault when the command is not allowed. */
  readonly decide: (command: C, state: S) => E | readonly E[]
  /** The state after an event. Never refuses: what is stored has happened. */
  readonly evolve: (state: S, event: RecordedEvent<E>) => S
}

/** What `aggregate` takes. */
export interface AggregateOptions<S, C, E extends EventSchemas> {
  /** Kind of aggregate, such as `order`. Stored with every event: never change it. */
  readonly name: string
  readonly initialState: (id: string) => S
  readonly decide: (command: C, state: S) => EventOf<E> | readonly EventOf<E>[]
  readonly evolve: (state: S, event: RecordedEvent<EventOf<E>>) => S
  /** Data of each event. Checked when an event is appended and again when it is read. */
  readonly events: E
  /** The events that may come first; any other at version 1 is `IMPOSSIBLE_FIRST_EVENT`. */
  readonly starts: readonly (keyof E & string)[]
  /** How older data of an event becomes what `events` describes now: one function per change, oldest first, never removed. */
  readonly upcasters?: { readonly [K in keyof E & string]?: readonly Upcaster[] }
}

const NAME = /^[a-z][a-z0-9-]{0,63}$/

/**
 * Declares a kind of aggregate.
 *
 * @example
 * const Counter = aggregate({
 *   name: 'counter',
 *   events: { Opened: z.object({}), Added: z.object({ by: z.int32() }) },
 *   starts: ['Opened'],
 *   initialState: () => ({ total: 0 }),
 *   decide: (command: { add: number }) => ({ type: 'Added', data: { by: command.add } }),
 *   evolve: (state, event) => (event.type === 'Added' ? { total: state.total + event.data.by } : state),
 * })
 */
export function aggregate<S, C, E extends EventSchemas>(
  options: AggregateOptions<S, C, E>,
): Aggregate<S, C, EventOf<E>> {
  const { name, events, starts } = options
  if (!NAME.test(name)) {
    throw new TypeError(
      `The aggregate's name is ${JSON.stringify(name)}; use up to 64 of a-z, 0-9 and "-", a letter first.`,
    )
  }
  if (starts.length === 0) throw new TypeError(`${name} names no event that may come first; list them in starts.`)
  const upcasters = (options.upcasters ?? {}) as Readonly<Record<string, readonly Upcaster[]>>
  for (const type of [...starts, ...Object.keys(upcasters)]) {
    if (!Object.hasOwn(events, type)) throw new TypeError(`${name} has no event ${type}; declare its data in events.`)
  }
  const { initialState, decide, evolve } = options
  return Object.freeze({ name, events, starts, upcasters, initialState, decide, evolve })
}
