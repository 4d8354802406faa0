import type { Contract, Publishable } from '../contract/index.ts'
import type { Projection } from '../events/index.ts'
import type { Handlers, Implementation } from '../rpc/index.ts'
import { implement as implementContract } from '../rpc/index.ts'
import type { Migration } from '../store/index.ts'
import type { ConsumerContext, ServiceContext } from './context.ts'
import type { Resource } from './resource.ts'

/** What a service does with one kind of message. Made by `on`. */
export interface Consumption<T = unknown> {
  readonly type: Publishable<T>
  readonly handler: (data: T, ctx: ConsumerContext) => Promise<void>
  /** Consumers of one group share the messages. Default: the service's name. */
  readonly group: string | undefined
}

/** What a service is made of. */
export interface ServiceOptions {
  /** The business capability that it stands for, such as `order-management`. */
  readonly capability: string
  /** The data that are its own; no other service of a system may own one of the same name. */
  readonly owns: readonly string[]
  /** Contracts that it calls. */
  readonly uses?: readonly Contract[]
  /** Contracts that it offers, with their handlers. */
  readonly provides?: readonly Implementation<ServiceContext>[]
  /** Events that it publishes and messages that it sends. */
  readonly publishes?: readonly Publishable[]
  /** Events and messages that it handles. */
  readonly consumes?: readonly Consumption[]
  /** Read models over its own events. */
  readonly projections?: readonly Projection[]
  /** Its own tables. */
  readonly migrations?: readonly Migration[]
  /** Made in this order before it serves. */
  readonly resources?: readonly Resource[]
  /** Runs once everything is up and before it serves: seeding, recovery. Must be repeatable. */
  readonly start?: (ctx: ServiceContext) => Promise<void>
  /** Readiness checks of its own, by name; a throw is not healthy. */
  readonly checks?: Readonly<Record<string, (ctx: ServiceContext) => Promise<void>>>
}

/** A service as data: nothing runs until a system or `startService` runs it. */
export interface Service {
  readonly name: string
  readonly capability: string
  readonly owns: readonly string[]
  readonly uses: readonly Contract[]
  readonly provides: readonly Implementation<ServiceContext>[]
  readonly publishes: readonly Publishable[]
  readonly consumes: readonly Consumption[]
  readonly projections: readonly Projection[]
  readonly migrations: readonly Migration[]
  readonly resources: readonly Resource[]
  readonly start: ((ctx: ServiceContext) => Promise<void>) | undefined
  readonly checks: Readonly<Record<string, (ctx: ServiceContext) => Promise<void>>>
}

const NAME = /^[a-z][a-z0-9-]{0,62}$/

/**
 * Declares a service.
 *
 * @example
 * export const greeter = service('greeter', {
 *   capability: 'greeting',
 *   owns: ['greeting'],
 *   provides: [implement(Greeter, { greet: async ({ name }) => ({ text: `Hello, ${name}` }) })],
 * })
 */
export function service(name: string, options: ServiceOptions): Service {
  if (!NAME.test(name)) {
    throw new TypeError(
      `Service name ${JSON.stringify(name)}: use lower-case letters, digits and dashes, a letter first.`,
    )
  }
  const topics = new Set<string>()
  for (const consumption of options.consumes ?? []) {
    const place = `${consumption.group ?? name} ${consumption.type.name}`
    if (topics.has(place)) {
      throw new TypeError(
        `Service ${name} handles ${consumption.type.name} twice in one group; give one handler a group of its own.`,
      )
    }
    topics.add(place)
  }
  return {
    name,
    capability: options.capability,
    owns: options.owns,
    uses: options.uses ?? [],
    provides: options.provides ?? [],
    publishes: options.publishes ?? [],
    consumes: options.consumes ?? [],
    projections: options.projections ?? [],
    migrations: options.migrations ?? [],
    resources: options.resources ?? [],
    start: options.start,
    checks: options.checks ?? {},
  }
}

/** Pairs a contract with the handlers of a service. Every operation needs one; the compiler says which is missing. */
export function implement<C extends Contract>(
  contract: C,
  handlers: Handlers<C, ServiceContext>,
): Implementation<ServiceContext> {
  return implementContract<C, ServiceContext>(contract, handlers)
}

/**
 * Handles an event or a message: at least once, in order per key, retried with backoff, set aside as a dead letter at last. The effect inside
 * `ctx.transaction` happens once.
 */
export function on<T>(
  type: Publishable<T>,
  handler: (data: T, ctx: ConsumerContext) => Promise<void>,
  options: { readonly group?: string } = {},
): Consumption {
  return { type, handler, group: options.group } as Consumption<T> as Consumption
}
