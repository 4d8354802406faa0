/** A service at work: where contracts, store, messages, events and policies meet. Started in order, stopped in reverse. */
import type { EventStore } from '../events/index.ts'
import { openEventStore } from '../events/index.ts'
import type { Context } from '../kernel/index.ts'
import { CallContext, Fault } from '../kernel/index.ts'
import type { Consumer } from '../messaging/index.ts'
import { createEnvelopes, createOutbox, createRelay, createTimers, declarationOf } from '../messaging/index.ts'
import { IdempotencyKeys } from '../resilience/index.ts'
import type { RpcServer } from '../rpc/index.ts'
import { throughService } from '../security/index.ts'
import type { Store } from '../store/index.ts'
import { CallScope, callScope } from './call-scope.ts'
import { handlersOf, logFault, startConsuming } from './consuming.ts'
import type { ServiceContext } from './context.ts'
import type { Check, HealthReport } from './health.ts'
import { runChecks } from './health.ts'
import { Means } from './means.ts'
import type { Platform } from './platform.ts'
import { Resources } from './resources.ts'
import type { Service } from './service.ts'
import { ServiceCall } from './service-call.ts'
import { serveContracts } from './serving.ts'

/** A started service. */
export interface RunningService extends AsyncDisposable {
  readonly definition: Service
  /** Its methods, for whichever transports serve them. */
  readonly server: RpcServer
  readonly events: EventStore
  readonly store: Store
  /** A context for work that no caller asked for; the service acts as itself. `timeoutMs` default: none. */
  context(timeoutMs?: number): ServiceContext
  /** Whether it can serve: its store, what it shares, and the checks of its own. */
  ready(): Promise<HealthReport>
  /** Handles messages from now on. Called once the services that it calls are there. */
  consume(): Promise<void>
  /** Handles no more messages: finishes those in hand, hands back the rest. */
  pause(): Promise<void>
  /** Finishes what runs, hands back the rest, and closes. Later calls get the same promise. */
  stop(): Promise<void>
}

/**
 * Starts a service up to where it can serve calls: its store and tables, its place at the broker, events and projections, resources, its own `start`. It serves as soon as a
 * transport is put before its `server`, and handles messages after `consume`. A failure on the way closes what was opened.
 */
export async function startService(platform: Platform, definition: Service): Promise<RunningService> {
  const stack = new AsyncDisposableStack()
  try {
    return await assemble(platform, definition, stack)
  } catch (error) {
    await stack.disposeAsync().catch(() => undefined) // the failed start is the news
    throw error
  }
}

async function assemble(platform: Platform, definition: Service, stack: AsyncDisposableStack): Promise<RunningService> {
  const { runtime, broker } = platform
  const { name } = definition
  const log = platform.logger.with({ service: name })
  const store = stack.use(await platform.openStore(name))
  await store.migrate(moduleOf(name), definition.migrations)
  const events = stack.use(await openEventStore(runtime, { store, projections: definition.projections, logger: log }))
  const outbox = createOutbox()
  const envelopes = createEnvelopes(name)
  const onFault = (fault: Fault): void => logFault(log, fault)
  stack.use(await createRelay(runtime, { store, broker, outbox, instance: platform.instance(name), onFault }))
  const timers = stack.use(await createTimers(runtime, { store, outbox, onFault }))
  const resources = stack.use(new Resources())
  const means = new Means({ name, platform, store, resources, log, outbox, envelopes, timers, events })
  await declareTopics(platform, definition, means)
  await resources.create(definition.resources, {
    service: name,
    runtime,
    store,
    log,
    metrics: platform.metrics,
    folder: await platform.folder(name),
    setting: key => platform.setting(key),
  })
  const keys = stack.use(new IdempotencyKeys(runtime, { store, owner: platform.instance(name) }))
  await keys.start()
  const server = serveContracts(definition, { platform, means, keys, log })
  const context = (timeoutMs?: number): ServiceContext => new ServiceCall(ownContext(platform, name, timeoutMs), means)
  await definition.start?.(context())
  const checks = checksOf(platform, definition, store, context)
  let consumer: Consumer | undefined
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopped ??= stack.disposeAsync()
    return stopped
  }
  return {
    definition,
    server,
    events,
    store,
    context,
    ready: () => runChecks(runtime, checks),
    consume: async () => {
      consumer = stack.use(await startConsuming(definition, { platform, means, store, log }))
    },
    pause: async () => consumer?.stop(),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Modules that the platform itself migrates in a service's store. */
const OWN_MODULES: ReadonlySet<string> = new Set(['events', 'idempotency', 'inbox', 'outbox', 'timers'])

/** Under which name the steps of a service are kept: its own, unless that is one of the platform's. No service has a colon in its name. */
function moduleOf(service: string): string {
  return OWN_MODULES.has(service) ? `service:${service}` : service
}

/** Takes the service's place at the broker before anything is published, so that it misses no message. */
async function declareTopics({ broker }: Platform, definition: Service, means: Means): Promise<void> {
  await broker.declare(...declarationOf(definition.name, handlersOf(definition, means)))
  await broker.declare(
    definition.publishes.map(type => ({ name: type.name, kind: type.kind })),
    [],
  )
}

/** Work of the service's own: it acts as itself, and may use `ctx.transaction` as often as it likes. */
function ownContext({ runtime }: Platform, name: string, timeoutMs: number | undefined): Context {
  const identity = throughService(undefined, name)
  const ctx = new CallContext(runtime, timeoutMs === undefined ? { identity } : { identity, timeoutMs })
  ctx.set(callScope, new CallScope())
  return ctx
}

/** Longest time of a service's own readiness check, in milliseconds. */
const CHECK_TIMEOUT_MS = 1_000

function checksOf(
  platform: Platform,
  definition: Service,
  store: Store,
  context: (timeoutMs: number) => ServiceContext,
): Readonly<Record<string, Check>> {
  const own = Object.entries(definition.checks).map(
    ([name, check]) => [name, () => check(context(CHECK_TIMEOUT_MS))] as const,
  )
  const storeCheck: Check = async () => {
    const health = await store.health()
    if (!health.healthy) throw new Fault('unavailable', health.message, { reason: 'STORE_UNAVAILABLE' })
  }
  return { store: storeCheck, ...platform.checks, ...Object.fromEntries(own) }
}
