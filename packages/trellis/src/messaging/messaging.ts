/**
 * The Broker port: messages between services. At least once, in order per key; what makes the effect happen exactly once (outbox and inbox) stands on
 * the Store and is shared by every engine.
 */
import type { Fault } from '../kernel/fault.ts'

/** A message on its way: a CloudEvents 1.0 event (https://github.com/cloudevents/spec) in binary mode. */
export interface Message {
  /** Unique; the inbox drops what it has seen. */
  readonly id: string
  /** Event or message name; also CloudEvents `type`. */
  readonly topic: string
  /** CloudEvents `source`: the publishing service. */
  readonly source: string
  /** When it was published, milliseconds since 1970. */
  readonly time: number
  /** Messages with one key are handled in the order of their publishing; undefined: no order. CloudEvents `partitionkey`. */
  readonly key: string | undefined
  /** The body: JSON text. */
  readonly data: string
  /** Further CloudEvents attributes and headers: `traceparent`, `correlationid`, `causationid`, `actor`, `schemaversion`. Lower-case names. */
  readonly attributes: Readonly<Record<string, string>>
  /** Not before this time of the store (milliseconds since 1970). */
  readonly deliverAt?: number
}

/** A message in the hands of a consumer. Exactly one of `ack`, `nack`, `deadLetter` ends it; if none does before the lease is lost, it is delivered again. */
export interface Delivery {
  readonly message: Message
  /** 1 for the first delivery. */
  readonly attempt: number
  /** How often in a row a consumer has died with this message before it, where the engine can tell: a message that kills must not do so for ever. */
  readonly deaths?: number
  /** Aborts when the delivery no longer belongs to this consumer: stop, the effect will be fenced off. */
  readonly signal: AbortSignal
  /** Done. */
  ack(): Promise<void>
  /** Not done: deliver again after `delayMs`; messages with the same key wait behind it, others do not. */
  nack(options: { readonly delayMs: number; readonly cause: Fault }): Promise<void>
  /** Sets it aside with the cause and the history of its attempts, and releases its key. */
  deadLetter(cause: Fault): Promise<void>
}

/** What an engine can do; a service that needs what is missing refuses to start. */
export interface BrokerCapabilities {
  readonly engine: string
  /** Order per key over all consumers of a group. */
  readonly orderedByKey: boolean
  /** `deliverAt` and `nack` with a delay. */
  readonly delay: boolean
  /** Starting again at an earlier position. */
  readonly replay: boolean
}

/** A topic as the code declares it. */
export interface TopicDeclaration {
  readonly name: string
  /** `event`: every group gets each message; `message`: one group does. */
  readonly kind: 'event' | 'message'
}

/** What a consumer subscribes with. */
export interface SubscribeOptions {
  /** The topics to follow. */
  readonly topics: readonly string[]
  /** Consumers of one group share the messages; the service's name, or that of one of its handlers. */
  readonly group: string
  /** Deliveries in flight at most. Default 64. */
  readonly concurrency?: number
  /** Where a new group starts. Default `latest` for nobody knew it before; declared topics of a system are subscribed before anything is published. */
  readonly from?: 'earliest' | 'latest'
}

/** A running subscription. */
export interface Subscription extends AsyncDisposable {
  /** Takes no new deliveries and waits until those in flight have ended, then gives up its place. */
  stop(): Promise<void>
}

/** How far a group is behind on a topic. */
export interface Lag {
  readonly topic: string
  readonly group: string
  /** Messages not yet settled. */
  readonly messages: number
  /** Age of the oldest of them, milliseconds. */
  readonly oldestMs: number
}

/** One attempt at a message that failed. */
export interface Attempt {
  readonly at: number
  readonly code: string
  readonly reason: string
  readonly message: string
}

/** A message that was set aside. */
export interface DeadLetter {
  /** Names the dead letter, for redrive. */
  readonly id: string
  readonly group: string
  readonly message: Message
  readonly deadAt: number
  readonly cause: Attempt
  readonly history: readonly Attempt[]
}

/** What a person does with a broker. */
export interface BrokerAdmin {
  /** Lag of each group on each topic. */
  lag(): Promise<readonly Lag[]>
  /** Dead letters, oldest first. */
  deadLetters(filter: {
    readonly group?: string
    readonly topic?: string
    readonly id?: string
    readonly limit?: number
  }): Promise<readonly DeadLetter[]>
  /** Gives dead letters back to their group as new deliveries with their old id; the number of them. */
  redrive(ids: readonly string[]): Promise<number>
  /** Removes dead letters for good; the number of them. */
  drop(ids: readonly string[]): Promise<number>
}

/** The Broker port. */
export interface Broker extends AsyncDisposable {
  readonly capabilities: BrokerCapabilities
  readonly admin: BrokerAdmin
  /** Makes topics and a group's place on them before anything is published, so that no message is missed. Repeating it is harmless. */
  declare(
    topics: readonly TopicDeclaration[],
    groups: readonly { readonly group: string; readonly topics: readonly string[] }[],
  ): Promise<void>
  /** Resolves once the messages survive `kill -9` and power loss. All or none of one call, in order. A message id published twice within the retention is stored once where the engine can, else delivered twice. */
  publish(messages: readonly Message[]): Promise<void>
  /** Delivers to `deliver` until stopped. `deliver` never throws: it ends each delivery through its methods. */
  subscribe(options: SubscribeOptions, deliver: (delivery: Delivery) => void): Promise<Subscription>
}
