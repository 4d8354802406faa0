/** What all services of one process share: the broker, the registry, identities, and the ways between services. */
import { join } from 'node:path'
import { createStoreRegistry, Directory, roundRobin } from '../discovery/index.ts'
import type { Runtime } from '../kernel/index.ts'
import { Fault } from '../kernel/index.ts'
import { createStoreBroker } from '../messaging/store-broker/index.ts'
import type { Identify, KeyStorage } from '../security/index.ts'
import { authorize, createServiceVerifier, fileKeys, identify, roles } from '../security/index.ts'
import type { Check, Notice, Platform } from '../service/index.ts'
import type { Store } from '../store/index.ts'
import type { Logger, MetricsRegistry, SpanSink } from '../telemetry/index.ts'
import type { HttpClient } from '../wire/http1/index.ts'
import { createHttpClient } from '../wire/http1/index.ts'
import { openStore } from './engines.ts'
import type { Environment, PlatformSettings } from './settings.ts'
import type { System } from './system.ts'
import { LocalServers, transportOf } from './transports.ts'
import { userVerifier } from './user-verifier.ts'

/** What the shared means are made of. */
export interface SharedOptions {
  readonly runtime: Runtime
  readonly system: System
  /** Names the process: `shop`, or the service in a process of its own. */
  readonly process: string
  /** Folder of the system's data. */
  readonly folder: string
  readonly environment: Environment
  readonly settings: PlatformSettings
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  readonly spans: SpanSink | undefined
  readonly notice: (notice: Notice) => void
}

/** The shared means of a process, open. */
export interface Shared extends AsyncDisposable {
  readonly platform: Platform
  readonly directory: Directory
  readonly http: HttpClient
  /** Services of this process, which are called without bytes between. */
  readonly local: LocalServers
  /** Who asks from outside; never a service. */
  readonly identifyCaller: Identify
  /** Keys with which services of the system prove who they are. */
  readonly systemKeys: KeyStorage
}

/** File of the system's own keys, below its data folder. */
export const SYSTEM_KEYS = 'system.keys'

/** As many as a server takes: each stream that passes holds one, and calls must not wait behind streams. */
const MAX_CONNECTIONS = 10_000

/** Opens what a process shares. */
export async function openShared(options: SharedOptions): Promise<Shared> {
  const stack = new AsyncDisposableStack()
  try {
    return await assemble(options, stack)
  } catch (error) {
    await stack.disposeAsync().catch(() => undefined) // the failed opening is the news
    throw error
  }
}

async function assemble(options: SharedOptions, stack: AsyncDisposableStack): Promise<Shared> {
  const { runtime, system, folder, logger, metrics, settings } = options
  await runtime.fs.makeFolder(folder)
  const store = stack.use(await openStore(runtime, { url: undefined, folder, name: 'platform' }))
  const broker = stack.use(
    await createStoreBroker(runtime, {
      store,
      wakePath: join(folder, 'platform.wake'),
      instance: `${options.process}-${settings.instance}`,
      onFault: fault => logger.log('warn', fault.message, { part: 'broker', code: fault.code, reason: fault.reason }),
    }),
  )
  const registry = stack.use(await createStoreRegistry(runtime, { store, logger }))
  const directory = stack.use(new Directory({ registry, balancer: () => roundRobin(runtime.random.next) }))
  const http = stack.use(createHttpClient(runtime, { maxConnections: MAX_CONNECTIONS }))
  const systemKeys = fileKeys(runtime, join(folder, SYSTEM_KEYS))
  const local = new LocalServers()
  const permissions = roles(system.roles)
  const ways = { runtime, directory, http, local, systemKeys, logger, permissions }
  const cachePath = join(await ownFolder(runtime, folder, options.process), 'user-keys.json')
  const users = userVerifier(runtime, system.tokens, {
    transport: transportOf(options.process, ways),
    cachePath,
    logger,
  })
  const platform: Platform = {
    runtime,
    broker,
    registry,
    logger,
    metrics,
    spans: options.spans,
    authorize: authorize(),
    identify: identify({
      users,
      services: createServiceVerifier(runtime, systemKeys, logger),
      roles: permissions,
    }),
    checks: { platform: healthy(store) },
    instance: service => `${service}-${settings.instance}`,
    setting: name => options.environment[name],
    notice: options.notice,
    openStore: async service =>
      openStore(runtime, { url: settings.storeUrl, folder: await ownFolder(runtime, folder, service), name: service }),
    folder: service => ownFolder(runtime, folder, service),
    transport: service => transportOf(service, ways),
  }
  const identifyCaller = identify({ users, roles: permissions })
  return {
    platform,
    directory,
    http,
    local,
    systemKeys,
    identifyCaller,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function ownFolder(runtime: Runtime, folder: string, service: string): Promise<string> {
  const own = join(folder, service)
  await runtime.fs.makeFolder(own)
  return own
}

/** Broker and registry stand on one store: whether that can serve. */
function healthy(store: Store): Check {
  return async () => {
    const health = await store.health()
    if (!health.healthy) throw new Fault('unavailable', health.message, { reason: 'STORE_UNAVAILABLE' })
  }
}
