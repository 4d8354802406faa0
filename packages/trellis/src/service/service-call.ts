/** The context that handlers get: the call's own, with the service's means beside it. */
import type { Contract } from '../contract/index.ts'
import type { AnyEvent, EventFamily, RecordedEvent } from '../events/index.ts'
import type {
  Attribute,
  Baggage,
  CallContext,
  Context,
  ContextOptions,
  Fault,
  Identity,
  Outcome,
  Runtime,
  TraceContext,
} from '../kernel/index.ts'
import type { Client } from '../rpc/index.ts'
import { authorizeOwner } from '../security/index.ts'
import type { Sql } from '../store/index.ts'
import type { Fields, LogLevel } from '../telemetry/index.ts'
import type { ConsumerContext, ServiceContext, ServiceTransaction } from './context.ts'
import type { Notice } from './platform.ts'
import type { Resource } from './resource.ts'

/** What the running service lends to its calls. */
export interface ServiceMeans {
  readonly name: string
  readonly reader: Sql
  client<C extends Contract>(contract: C, ctx: Context): Client<C>
  transaction<T>(ctx: Context, body: (tx: ServiceTransaction) => Promise<T>): Promise<T>
  changes<E extends AnyEvent>(
    type: EventFamily<E>,
    id: string,
    after: number,
    ctx: Context,
  ): AsyncIterable<RecordedEvent<E>>
  resource<T>(resource: Resource<T>): T
  setting(name: string): string | undefined
  notice(notice: Notice): void
  log(level: LogLevel, message: string, fields: Fields | undefined, ctx: Context, error: unknown): void
}

/** A call's context with the means of its service. Everything of the call itself is passed through. */
export class ServiceCall implements ServiceContext {
  readonly #base: Context
  readonly #means: ServiceMeans

  constructor(base: Context, means: ServiceMeans) {
    this.#base = base
    this.#means = means
  }

  get runtime(): Runtime {
    return this.#base.runtime
  }
  get deadline(): number | undefined {
    return this.#base.deadline
  }
  get signal(): AbortSignal {
    return this.#base.signal
  }
  get cancelled(): Fault | undefined {
    return this.#base.cancelled
  }
  get identity(): Identity | undefined {
    return this.#base.identity
  }
  get trace(): TraceContext {
    return this.#base.trace
  }
  get baggage(): Baggage {
    return this.#base.baggage
  }
  get<T>(key: Attribute<T>): T | undefined {
    return this.#base.get(key)
  }
  set<T>(key: Attribute<T>, value: T): void {
    this.#base.set(key, value)
  }
  onSettled(listener: (outcome: Outcome) => void): void {
    this.#base.onSettled(listener)
  }
  onCancelled(listener: (fault: Fault) => void): () => void {
    return this.#base.onCancelled(listener)
  }
  child(options?: ContextOptions): CallContext {
    return this.#base.child(options)
  }

  get service(): string {
    return this.#means.name
  }
  get read(): Sql {
    return this.#means.reader
  }
  client<C extends Contract>(contract: C): Client<C> {
    return this.#means.client(contract, this.#base)
  }
  transaction<T>(body: (tx: ServiceTransaction) => Promise<T>): Promise<T> {
    return this.#means.transaction(this.#base, body)
  }
  changes<E extends AnyEvent>(type: EventFamily<E>, id: string, after = 0): AsyncIterable<RecordedEvent<E>> {
    return this.#means.changes(type, id, after, this.#base)
  }
  resource<T>(resource: Resource<T>): T {
    return this.#means.resource(resource)
  }
  authorize(ownerId: string, missing?: () => Fault): void {
    authorizeOwner(this.#base, ownerId, missing)
  }
  newId(): string {
    return this.#base.runtime.random.id()
  }
  now(): number {
    return this.#base.runtime.clock.now()
  }
  setting(name: string): string | undefined {
    return this.#means.setting(name)
  }
  notice(text: string, options: { readonly secret?: boolean } = {}): void {
    this.#means.notice({ service: this.#means.name, text, secret: options.secret ?? false })
  }
  log(level: LogLevel, message: string, fields?: Fields, error?: unknown): void {
    this.#means.log(level, message, fields, this.#base, error)
  }
}

/** The same for the handler of a message. */
export class ConsumerCall extends ServiceCall implements ConsumerContext {
  readonly message: ConsumerContext['message']

  constructor(base: Context, means: ServiceMeans, message: ConsumerContext['message']) {
    super(base, means)
    this.message = message
  }
}
