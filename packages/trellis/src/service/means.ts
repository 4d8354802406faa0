/** What a running service lends to its calls: clients, transactions, streams of changes, resources, log lines. */
import type { Contract } from '../contract/index.ts'
import type { AnyEvent, EventFamily, EventStore, RecordedEvent } from '../events/index.ts'
import type { Context, Middleware } from '../kernel/index.ts'
import { isFault } from '../kernel/index.ts'
import { inboxMark } from '../messaging/index.ts'
import { idempotencyRecord, retry } from '../resilience/index.ts'
import type { Client, Transport } from '../rpc/index.ts'
import { bindClient, createClient } from '../rpc/index.ts'
import type { Sql, Store } from '../store/index.ts'
import type { Fields, Logger, LogLevel } from '../telemetry/index.ts'
import { measured, traced } from '../telemetry/index.ts'
import { callScope, refuseInTransaction } from './call-scope.ts'
import type { ServiceTransaction } from './context.ts'
import type { Notice, Platform } from './platform.ts'
import type { Resource } from './resource.ts'
import type { Resources } from './resources.ts'
import type { ServiceMeans } from './service-call.ts'
import type { TransactionParts } from './service-transaction.ts'
import { StoreServiceTransaction } from './service-transaction.ts'

/** What the means are made of. */
export interface MeansParts extends TransactionParts {
  readonly name: string
  readonly platform: Platform
  readonly store: Store
  readonly resources: Resources
  readonly log: Logger
}

/** The means of one running service. */
export class Means implements ServiceMeans {
  readonly name: string
  readonly reader: Sql
  readonly #parts: MeansParts
  readonly #events: EventStore
  readonly #transport: Transport
  readonly #middleware: readonly Middleware[]
  readonly #clients = new Map<Contract, Client>()

  constructor(parts: MeansParts) {
    const { platform, name } = parts
    this.name = name
    this.reader = parts.store.reader
    this.#parts = parts
    this.#events = parts.events
    this.#transport = platform.transport(name)
    this.#middleware = [refuseInTransaction, traced(platform.spans), measured(platform.metrics), retry()]
  }

  client<C extends Contract>(contract: C, ctx: Context): Client<C> {
    let client = this.#clients.get(contract)
    if (client === undefined) {
      const options = { transport: this.#transport, middleware: this.#middleware }
      client = createClient(this.#parts.platform.runtime, contract, options) as unknown as Client
      this.#clients.set(contract, client)
    }
    return bindClient(client, ctx) as unknown as Client<C>
  }

  async transaction<T>(ctx: Context, body: (tx: ServiceTransaction) => Promise<T>): Promise<T> {
    const key = ctx.get(idempotencyRecord)
    if (key?.committed !== undefined) return key.committed.value as T
    const mark = ctx.get(inboxMark)
    const scope = ctx.get(callScope)
    scope?.begin(key !== undefined)
    try {
      const committed = await this.#parts.store.transaction(async tx => {
        await mark?.storeIn(tx)
        const value = await body(new StoreServiceTransaction(tx, ctx, this.#parts))
        await key?.storeIn(tx, value)
        return value
      })
      scope?.end('committed')
      return committed
    } catch (error) {
      scope?.end(isFault(error, 'COMMIT_UNKNOWN') ? 'committed' : 'rolled-back')
      throw error
    }
  }

  changes<E extends AnyEvent>(
    type: EventFamily<E>,
    id: string,
    after: number,
    ctx: Context,
  ): AsyncIterable<RecordedEvent<E>> {
    return this.#events.changes(type, id, { after, signal: ctx.signal })
  }

  resource<T>(resource: Resource<T>): T {
    return this.#parts.resources.get(resource)
  }

  setting(name: string): string | undefined {
    return this.#parts.platform.setting(name)
  }

  notice(notice: Notice): void {
    this.#parts.platform.notice(notice)
  }

  log(level: LogLevel, message: string, fields: Fields | undefined, ctx: Context, error: unknown): void {
    this.#parts.log.log(level, message, fields, ctx, error)
  }
}
