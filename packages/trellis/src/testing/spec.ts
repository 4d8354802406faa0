import assert from 'node:assert/strict'
import type { Aggregate, AnyEvent, RecordedEvent } from '../events/index.ts'
import { isFault } from '../kernel/index.ts'

/** Options of `spec`. */
export interface SpecOptions {
  /** Id of the aggregate. Default `a-1`. */
  readonly id?: string
  /** When the first event happened, milliseconds since 1970; each further one is a second later. Default: 2026-01-01T00:00:00Z. */
  readonly startMs?: number
}

/** What happened before. */
export interface Given<S, C, E extends AnyEvent> {
  /** Decides a command. */
  when(command: C): When<E>
  /** The state that the events lead to. */
  thenState(check: (state: S) => void): void
}

/** What a command must lead to. Fails with `AssertionError`. */
export interface When<E extends AnyEvent> {
  /** Exactly these events, in this order; none: nothing changes. */
  then(...events: readonly E[]): void
  /** A fault of this reason. */
  thenFault(reason: string): void
}

/** What `spec` gives: starts a specification with what has happened before. */
export type Spec<S, C, E extends AnyEvent> = (...events: readonly E[]) => Given<S, C, E>

const DEFAULT_START_MS = Date.UTC(2026, 0, 1)

/**
 * Specifies an aggregate's decisions without a store: given what happened, when a command comes, then this follows.
 *
 * @example
 * const given = spec(Order)
 * given(created).when({ kind: 'cancel' }).then({ type: 'OrderCancelled', data: { code: 'BY_CUSTOMER' } })
 * given(created, cancelled).when({ kind: 'cancel' }).thenFault('ALREADY_CANCELLED')
 */
export function spec<S, C, E extends AnyEvent>(
  definition: Aggregate<S, C, E>,
  options: SpecOptions = {},
): Spec<S, C, E> {
  const { id = 'a-1', startMs = DEFAULT_START_MS } = options

  function record(event: E, index: number): RecordedEvent<E> {
    return {
      ...event,
      eventId: `e-${index + 1}`,
      aggregate: definition.name,
      aggregateId: id,
      version: index + 1,
      timestamp: startMs + 1_000 * index,
      correlationId: 'c-1',
      causationId: 'm-1',
      actor: 'u-1',
      traceparent: undefined,
    }
  }

  return (...events) => {
    const [first] = events
    if (first !== undefined && !definition.starts.includes(first.type)) {
      throw new TypeError(`${definition.name} can't begin with ${first.type}; give what came before it.`)
    }
    let state = definition.initialState(id)
    for (const [index, event] of events.entries()) state = definition.evolve(state, record(event, index))
    return {
      when: command => judge(() => definition.decide(command, state)),
      thenState: check => check(state),
    }
  }
}

function judge<E extends AnyEvent>(decide: () => E | readonly E[]): When<E> {
  return {
    // biome-ignore lint/suspicious/noThenProperty: given, when, then are the words of such a specification; nobody awaits it.
    then(...expected) {
      const decided = decide()
      assert.deepEqual(Array.isArray(decided) ? decided : [decided], expected)
    },
    thenFault(reason) {
      assert.throws(decide, error => {
        if (isFault(error, reason)) return true
        throw error
      })
    },
  }
}
