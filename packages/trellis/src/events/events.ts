/**
 * Event sourcing: what happened to an aggregate is the truth, everything else is derived from it. Events are private to their service; what
 * others may know, it publishes.
 */
import type { Infer, Schema } from '../schema/schema.ts'

/** Something that happened, as a decider makes it. */
export interface AnyEvent {
  /** Name within its aggregate, such as `OrderCreated`. */
  readonly type: string
  readonly data: unknown
}

/** The data of each event of an aggregate, by event name. */
export type EventSchemas = Readonly<Record<string, Schema>>

/** The events that a set of schemas describes, told apart by `type`. */
export type EventOf<E extends EventSchemas> = {
  [K in keyof E & string]: { readonly type: K; readonly data: Infer<E[K]> }
}[keyof E & string]

/** What is stored beside an event. */
export interface EventMetadata {
  readonly eventId: string
  /** Name of the aggregate's kind, such as `order`. */
  readonly aggregate: string
  readonly aggregateId: string
  /** 1 for the first event of an aggregate, then 2, 3, … without gap. */
  readonly version: number
  /** Time of the store when it was appended, milliseconds since 1970. Events of one transaction share it. */
  readonly timestamp: number
  readonly correlationId: string
  readonly causationId: string
  readonly actor: string
  readonly traceparent: string | undefined
}

/** An event with its metadata, as `evolve`, projections and subscribers see it. */
export type RecordedEvent<E extends AnyEvent = AnyEvent> = E & EventMetadata

/** An event at its place in the order of all events of a store. */
export interface PositionedEvent<E extends AnyEvent = AnyEvent> {
  /** 1, 2, 3, … without gap. */
  readonly position: number
  readonly event: RecordedEvent<E>
}

/** What it takes to read the events of one kind of aggregate: its part that projections and subscriptions need. */
export interface EventFamily<E extends AnyEvent = AnyEvent> {
  /** Kind of aggregate, such as `order`; also the name under which its events are stored. */
  readonly name: string
  readonly events: EventSchemas
  /** Names of the events that may come first. */
  readonly starts: readonly string[]
  /** Changes to the data of an event since it was first stored, oldest first. */
  readonly upcasters: Readonly<Record<string, readonly Upcaster[]>>
  /** Only for inference; never set. */
  readonly event?: E
}

/** Turns the data of a stored event into its next form. Must depend on nothing else. */
export type Upcaster = (data: unknown) => unknown
