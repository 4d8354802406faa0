import type { Contract, Publishable } from '../contract/index.ts'
import type { Aggregate, AggregateHandle, AnyEvent, EventFamily, RecordedEvent } from '../events/index.ts'
import type { Context, Fault } from '../kernel/index.ts'
import type { Client } from '../rpc/index.ts'
import type { Sql, Transaction } from '../store/index.ts'
import type { Fields, LogLevel } from '../telemetry/index.ts'
import type { Resource } from './resource.ts'

/** How a message leaves. */
export interface PublishOptions {
  /** Messages with one key are handled in the order of their publishing. Default: no order. */
  readonly key?: string
  /** Not before this time, milliseconds since 1970. */
  readonly deliverAt?: number
}

/** When a timer is due, and what cancels it. Give `at` or `afterMs`. */
export interface ScheduleOptions extends PublishOptions {
  /** Milliseconds since 1970. */
  readonly at?: number
  /** Milliseconds from the transaction's `now`. */
  readonly afterMs?: number
  /** Names the timer within the service; scheduling the same name again moves it. */
  readonly timer: string
}

/** The one local transaction: the service's own rows, events, messages and timers commit together or not at all. */
export interface ServiceTransaction extends Transaction {
  /** Hands a message to the outbox: it is delivered at least once after the commit, and never without it. Data that does not fit the schema is a `TypeError`-like `internal` fault. */
  publish<T>(type: Publishable<T>, data: T, options?: PublishOptions): Promise<void>
  /** Publishes later. The timer survives restarts, and fires once its time has come, not before. */
  schedule<T>(type: Publishable<T>, data: T, options: ScheduleOptions): Promise<void>
  /** Cancels a timer by its name; whether there was one. */
  unschedule(timer: string): Promise<boolean>
  /** An event-sourced thing, to be loaded or given a command. */
  aggregate<S, C, E extends AnyEvent>(type: Aggregate<S, C, E>, id: string): AggregateHandle<S, C, E>
}

/** What the handlers of a service get: the call's context, and the service's own means. */
export interface ServiceContext extends Context {
  /** Name of the service. */
  readonly service: string
  /** Reads of the service's own store outside a transaction, at the latest commit. */
  readonly read: Sql
  /** A typed client that continues this call: its deadline, identity and trace go along. Refused inside a transaction (`REMOTE_CALL_IN_TRANSACTION`). */
  client<C extends Contract>(contract: C): Client<C>
  /** Runs `body` in one serializable transaction of the service's store; it may run more than once. Once one has committed, a second one in the same keyed call or message is refused (`SECOND_TRANSACTION`). */
  transaction<T>(body: (tx: ServiceTransaction) => Promise<T>): Promise<T>
  /** The events of one aggregate behind version `after` (default 0), then each new one as it is committed, until the call ends. */
  changes<E extends AnyEvent>(type: EventFamily<E>, id: string, after?: number): AsyncIterable<RecordedEvent<E>>
  /** The value of a resource that the service declared. */
  resource<T>(resource: Resource<T>): T
  /**
   * Under `allow: own(permission)`: the thing belongs to `ownerId`; throws unless the caller is the owner or has the permission. Pass as `missing` the fault of an
   * unknown id, so that what is not the caller's looks like what does not exist.
   */
  authorize(ownerId: string, missing?: () => Fault): void
  /** A new id, sortable by time of making. */
  newId(): string
  /** Wall clock, milliseconds since 1970. */
  now(): number
  /** A setting by its name in the environment, such as `SHOP_ADMIN_PASSWORD`. */
  setting(name: string): string | undefined
  /**
   * Tells whoever starts the system something, on its start screen: an address, an account. `secret`: it is shown and never written to a log or a file, and shown under
   * `--quiet` too, since it is told once.
   */
  notice(text: string, options?: { readonly secret?: boolean }): void
  /** Writes a log line that carries the trace. */
  log(level: LogLevel, message: string, fields?: Fields, error?: unknown): void
}

/** What the handler of a message gets in addition. */
export interface ConsumerContext extends ServiceContext {
  readonly message: {
    readonly id: string
    readonly topic: string
    readonly key: string | undefined
    /** When it was published, milliseconds since 1970. */
    readonly time: number
    /** 1 for the first delivery. */
    readonly attempt: number
    readonly correlationId: string
  }
}
