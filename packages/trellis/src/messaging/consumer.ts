import type { Publishable } from '../contract/event.ts'
import {
  type Attribute,
  attribute,
  CallContext,
  Fault,
  type Handler,
  type Identity,
  isFault,
  type Middleware,
  newTrace,
  origin,
  parseBaggage,
  parseTraceparent,
  type Runtime,
  untilCancelled,
} from '../kernel/index.ts'
import { parseJson, type Validator, validator } from '../schema/index.ts'
import type { Store } from '../store/index.ts'
import type { CrashHook } from './crash-point.ts'
import { AttemptMark, createInbox, type Inbox, inboxMark, inboxMigrations, sweepRegularly } from './inbox.ts'
import type { Broker, Delivery, Message, Subscription } from './messaging.ts'
import { backoff, type RetryPolicy } from './retry.ts'

/** A handler of one event or message. Made by `consume`. */
export interface Consumption {
  readonly type: Publishable
  readonly handler: Handler<unknown, void>
  /** Handlers of one group share its messages. Default: the service's name; a second handler of the same topic needs a name of its own. */
  readonly group: string | undefined
}

/**
 * Declares who handles an event or a one-way message.
 *
 * @example
 * consume(PaymentCaptured, async (event, ctx) => { ... })
 */
export function consume<T>(
  type: Publishable<T>,
  handler: Handler<T, void>,
  options: { readonly group?: string } = {},
): Consumption {
  return { type, handler: handler as Handler<unknown, void>, group: options.group }
}

/** What a handler can know about the message in hand. */
export interface HandledMessage {
  readonly message: Message
  /** 1 for the first delivery. */
  readonly attempt: number
  readonly group: string
}

/** Set on the context of a consumer's handler. */
export const handledMessage: Attribute<HandledMessage> = attribute('handled-message')

/** Options of a consumer. */
export interface ConsumerOptions {
  /** Name of the service; also its group. */
  readonly service: string
  /** The service's own store, which holds the inbox. */
  readonly store: Store
  readonly broker: Broker
  readonly handlers: readonly Consumption[]
  /** Around every handler, the first outermost; its target is `consumer`, the topic and the group. */
  readonly middleware?: Middleware
  /** Messages in flight per group. Default 64. */
  readonly concurrency?: number
  /** Deaths of consumers over one message after which it is set aside without another attempt. Default 10: chance does not hit one message so often. */
  readonly maxDeaths?: number
  /** Longest time of one attempt, milliseconds. Default 30,000: six times the deadline of a call, for handlers that make some. */
  readonly timeoutMs?: number
  /** Default `backoff()`. */
  readonly retry?: RetryPolicy
  /** Who the handler acts as. Default: the service that published the message, without roles. */
  readonly identify?: (message: Message) => Identity | undefined
  /** How long `stop` waits for handlers before it cancels them, milliseconds. Default 5,000. */
  readonly stopGraceMs?: number
  /** How long inbox marks are kept, milliseconds. Default 7 days; no redelivery may come later. */
  readonly markRetentionMs?: number
  /** Hears of each failed attempt and what was decided. Default: nobody. */
  readonly onFailure?: (failure: ConsumerFailure) => void
  /** Hears of failures of the broker and the store that concern no single message. Default: nobody. */
  readonly onFault?: (fault: Fault) => void
  /** For tests; see `CRASH_POINTS`. */
  readonly crashPoint?: CrashHook
}

/** A failed attempt. */
export interface ConsumerFailure {
  readonly message: Message
  readonly group: string
  readonly attempt: number
  readonly fault: Fault
  readonly decision: 'retry' | 'dead-letter' | 'lost'
}

/** A running consumer. */
export interface Consumer extends AsyncDisposable {
  /** Takes no more messages, waits for those in hand, cancels them after the grace and hands them back. */
  stop(): Promise<void>
}

/** Longest time that the broker may take to write down what was handed back, milliseconds: a moment beyond the grace of `stop`. */
const HAND_BACK_MS = 2_000

interface Route {
  readonly group: string
  readonly validate: Validator<unknown>
  readonly handler: Handler<unknown, void>
}

/**
 * Starts to consume: declares the groups, brings the inbox up to date, subscribes. For each message the trace of its publisher goes on, the data is validated
 * (unknown members pass), and the handler's one transaction carries the inbox mark; without a transaction the mark commits after it returned.
 */
export async function createConsumer(runtime: Runtime, options: ConsumerOptions): Promise<Consumer> {
  const groups = toGroups(options)
  await options.store.migrate('inbox', inboxMigrations)
  const consumer = new InboxConsumer(runtime, options, groups)
  try {
    await consumer.start()
  } catch (error) {
    await consumer.stop()
    throw error
  }
  return consumer
}

/** The topics and groups of a service's handlers, for `Broker.declare`: all services of a system declare theirs before any publishes. */
export function declarationOf(
  service: string,
  handlers: readonly Pick<Consumption, 'type' | 'group'>[],
): Parameters<Broker['declare']> {
  const groups = new Map<string, string[]>()
  for (const { type, group = service } of handlers) {
    const topics = groups.get(group) ?? []
    topics.push(type.name)
    groups.set(group, topics)
  }
  return [
    handlers.map(({ type }) => ({ name: type.name, kind: type.kind })),
    [...groups].map(([group, topics]) => ({ group, topics })),
  ]
}

function toGroups(options: ConsumerOptions): Map<string, Map<string, Route>> {
  const groups = new Map<string, Map<string, Route>>()
  for (const { type, handler, group = options.service } of options.handlers) {
    let routes = groups.get(group)
    if (routes === undefined) {
      routes = new Map()
      groups.set(group, routes)
    }
    if (routes.has(type.name))
      throw new TypeError(
        `'${type.name}' has two handlers in group '${group}', and each message goes to one; give the second a group of its own.`,
      )
    const target = { kind: 'consumer', name: type.name, operation: group } as const
    routes.set(type.name, {
      group,
      validate: validator(type.data, { side: 'input', unknownMembers: 'ignore' }),
      handler: options.middleware === undefined ? handler : options.middleware(handler, target),
    })
  }
  return groups
}

class InboxConsumer implements Consumer {
  readonly #runtime: Runtime
  readonly #options: ConsumerOptions
  readonly #groups: Map<string, Map<string, Route>>
  readonly #inbox: Inbox
  readonly #retry: RetryPolicy
  readonly #timeoutMs: number
  readonly #maxDeaths: number
  readonly #endSweeps: () => void
  readonly #running: Set<CallContext> = new Set()
  /** Who runs under a lease, so that one listener per lease serves all. */
  readonly #bySignal: WeakMap<AbortSignal, Set<CallContext>> = new WeakMap()
  #subscriptions: Subscription[] = []
  #stopped: Promise<void> | undefined

  constructor(runtime: Runtime, options: ConsumerOptions, groups: Map<string, Map<string, Route>>) {
    this.#runtime = runtime
    this.#options = options
    this.#groups = groups
    this.#inbox = createInbox(options.store)
    this.#retry = options.retry ?? backoff()
    this.#timeoutMs = options.timeoutMs ?? 30_000
    this.#maxDeaths = options.maxDeaths ?? 10
    this.#endSweeps = sweepRegularly(runtime, this.#inbox, {
      ...(options.markRetentionMs === undefined ? {} : { retentionMs: options.markRetentionMs }),
      ...(options.onFault === undefined ? {} : { onFault: options.onFault }),
    })
  }

  async start(): Promise<void> {
    const { broker, service, handlers, concurrency } = this.#options
    await broker.declare(...declarationOf(service, handlers))
    for (const [group, routes] of this.#groups) {
      const subscription = await broker.subscribe(
        { topics: [...routes.keys()], group, ...(concurrency === undefined ? {} : { concurrency }) },
        delivery => {
          const route = routes.get(delivery.message.topic)
          if (route !== undefined) void this.#handle(delivery, route)
          else delivery.deadLetter(noHandler(delivery.message, group)).catch(error => this.#lost(error))
        },
      )
      this.#subscriptions.push(subscription)
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #stop(): Promise<void> {
    this.#endSweeps()
    const subscriptions = this.#subscriptions
    this.#subscriptions = []
    const { stopGraceMs = 5_000 } = this.#options
    const { timers } = this.#runtime
    const cancel = timers.after(stopGraceMs, () => {
      const fault = new Fault('cancelled', 'The service stops; the message is handed back and handled elsewhere.', {
        reason: 'SHUTTING_DOWN',
      })
      for (const ctx of [...this.#running]) ctx.cancel(fault)
    })
    const handedBack = Promise.all(subscriptions.map(subscription => subscription.stop()))
    const unanswered = Promise.withResolvers<void>()
    // A broker that is away takes its time; whoever stops must not wait for that.
    const giveUp = timers.after(stopGraceMs + Math.min(stopGraceMs, HAND_BACK_MS), () => {
      this.#lost(
        new Fault('unavailable', 'The broker takes nothing back now; what was in hand comes again after its lease.', {
          reason: 'NOT_HANDED_BACK',
        }),
      )
      unanswered.resolve()
    })
    try {
      await Promise.race([handedBack, unanswered.promise])
    } finally {
      cancel()
      giveUp()
    }
  }

  /** Handles one delivery to its end. Never rejects. */
  async #handle(delivery: Delivery, route: Route): Promise<void> {
    const { crashPoint } = this.#options
    const { message } = delivery
    crashPoint?.('consumer.received')
    if ((delivery.deaths ?? 0) >= this.#maxDeaths) {
      await this.#deadLetter(delivery, route, deadly(message))
      return
    }
    let data: unknown
    try {
      data = route.validate(parseJson(message.data))
    } catch (error) {
      // No retry makes it readable.
      await this.#deadLetter(delivery, route, Fault.from(error))
      return
    }
    const mark = new AttemptMark(this.#inbox, route.group, message.id, crashPoint)
    const ctx = this.#contextFor(delivery, route.group, mark)
    try {
      const handled = await this.#handledBefore(route.group, message.id)
      if (!handled) await this.#attempt(route, data, ctx, mark, message.id)
    } catch (error) {
      const fault = Fault.from(error)
      mark.end()
      this.#leave(ctx, delivery)
      ctx.settle({ ok: false, fault })
      await this.#fail(delivery, route, fault)
      return
    }
    this.#leave(ctx, delivery)
    ctx.settle({ ok: true })
    crashPoint?.('consumer.handled')
    try {
      await delivery.ack()
      crashPoint?.('consumer.acked')
    } catch (error) {
      this.#lost(error)
    }
  }

  #contextFor(delivery: Delivery, group: string, mark: AttemptMark): CallContext {
    const { message, attempt } = delivery
    const { random } = this.#runtime
    const { traceparent, tracestate, baggage, correlationid, actor } = message.attributes
    // The publisher's span itself, as a server has its caller's: tracing hangs the span of this handling below it, and a span between that nobody records would tear the trace.
    const trace =
      (traceparent === undefined ? undefined : parseTraceparent(traceparent, tracestate)) ?? newTrace(random)
    const { identify = publisherOf } = this.#options
    const ctx = new CallContext(this.#runtime, {
      timeoutMs: this.#timeoutMs,
      trace,
      identity: identify(message),
      ...(baggage === undefined ? {} : { baggage: parseBaggage(baggage) }),
    })
    ctx.set(origin, {
      causationId: message.id,
      ...(correlationid === undefined ? {} : { correlationId: correlationid }),
      ...(actor === undefined ? {} : { actor }),
    })
    ctx.set(inboxMark, mark)
    ctx.set(handledMessage, { message, attempt, group })
    this.#running.add(ctx)
    const { signal } = delivery
    let sharers = this.#bySignal.get(signal)
    if (sharers === undefined) {
      const all = new Set<CallContext>()
      sharers = all
      this.#bySignal.set(signal, all)
      signal.addEventListener('abort', () => {
        for (const sharer of [...all]) sharer.cancel(Fault.from(signal.reason))
      })
    }
    sharers.add(ctx)
    if (signal.aborted) ctx.cancel(Fault.from(signal.reason))
    return ctx
  }

  #leave(ctx: CallContext, delivery: Delivery): void {
    this.#running.delete(ctx)
    this.#bySignal.get(delivery.signal)?.delete(ctx)
  }

  async #handledBefore(group: string, messageId: string): Promise<boolean> {
    return (await this.#inbox.has(group, messageId)) && (await this.#inbox.confirm(group, messageId))
  }

  /** Runs the handler; resolves once its effect and the mark are durable. */
  async #attempt(route: Route, data: unknown, ctx: CallContext, mark: AttemptMark, messageId: string): Promise<void> {
    try {
      await untilCancelled(ctx, route.handler(data, ctx))
    } catch (error) {
      // An earlier attempt, given up for its time, has committed after all.
      if (isFault(error, 'ALREADY_HANDLED') && (await this.#inbox.confirm(route.group, messageId))) return
      throw error
    }
    // A handler without a transaction of its own: the mark alone.
    if (!mark.committed) await this.#options.store.transaction(tx => this.#inbox.mark(tx, route.group, messageId))
  }

  async #fail(delivery: Delivery, route: Route, fault: Fault): Promise<void> {
    const { message, attempt } = delivery
    // It has committed once and wants more: every further attempt would find itself handled, and the rest be lost in silence.
    if (isFault(fault, 'SECOND_TRANSACTION')) return this.#deadLetter(delivery, route, fault)
    if (isFault(fault, 'LEASE_LOST')) {
      this.#options.onFailure?.({ message, group: route.group, attempt, fault, decision: 'lost' })
      await delivery.nack({ delayMs: 0, cause: fault }).catch(() => undefined) // refused, as it must be; it only ends the delivery
      return
    }
    const decision = this.#retry(fault, attempt, this.#runtime.random)
    if (decision.kind === 'dead-letter') return this.#deadLetter(delivery, route, fault)
    this.#options.onFailure?.({ message, group: route.group, attempt, fault, decision: 'retry' })
    try {
      await delivery.nack({ delayMs: decision.delayMs, cause: fault })
    } catch (error) {
      this.#lost(error)
    }
  }

  async #deadLetter(delivery: Delivery, route: Route, fault: Fault): Promise<void> {
    const { message, attempt } = delivery
    this.#options.onFailure?.({ message, group: route.group, attempt, fault, decision: 'dead-letter' })
    try {
      await delivery.deadLetter(fault)
    } catch (error) {
      this.#lost(error)
    }
  }

  /** The end of a delivery could not be told: it comes again, and the inbox knows it. */
  #lost(error: unknown): void {
    this.#options.onFault?.(Fault.from(error))
  }
}

function publisherOf(message: Message): Identity {
  return { kind: 'service', subject: message.source, roles: [], permissions: new Set() }
}

function deadly(message: Message): Fault {
  return new Fault(
    'internal',
    `The process has died again and again while it handled '${message.topic}' ${message.id}; look for what ends it (memory, a native crash), then redrive.`,
    { reason: 'CONSUMER_DIED' },
  )
}

function noHandler(message: Message, group: string): Fault {
  return new Fault('unimplemented', `Group '${group}' has no handler of '${message.topic}'; add one, then redrive.`, {
    reason: 'NO_HANDLER',
  })
}
