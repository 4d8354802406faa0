/** The port at which the world reaches a system. */
import { createGateway, localUpstream, remoteUpstream } from '../gateway/index.ts'
import type { Address } from '../kernel/index.ts'
import { Fault, sleep } from '../kernel/index.ts'
import { createServiceIdentity } from '../security/index.ts'
import { runChecks, withOperations } from '../service/index.ts'
import { accessLogged, measured, traced } from '../telemetry/index.ts'
import { createHttpServer } from '../wire/http1/index.ts'
import type { Shared } from './shared.ts'
import type { System } from './system.ts'

/** An open port. */
export interface PublicPort {
  readonly address: Address
  /** Answers what runs, and closes. */
  stop(): Promise<void>
}

/** Where the gateway listens. */
export interface PublicPortOptions {
  /** For the world. */
  readonly listen: Address
  /** For operators and probes: where services listen, which the world need not reach. */
  readonly operations: Address
}

/** Pause between looks whether all services are there, in milliseconds. */
const LOOK_MS = 50
/** How often a wait is reported, in looks. */
const REPORT_EVERY = 100
/** Milliseconds that running requests may take to end: the default deadline of a call. */
const DRAIN_MS = 5_000

/** Opens the gateway of a system, once every service behind it is there. */
export async function openPublicPort(shared: Shared, system: System, options: PublicPortOptions): Promise<PublicPort> {
  if (system.gateway === undefined)
    throw new TypeError(`The system ${system.name} has no gateway; give it one, or start its services alone.`)
  const { platform, directory, http, local, systemKeys } = shared
  const { runtime, logger, metrics, spans } = platform
  const log = logger.with({ service: 'gateway' })
  const self = createServiceIdentity(runtime, { service: 'gateway', keys: systemKeys, logger: log })
  const gateway = createGateway(runtime, {
    ...system.gateway,
    identify: shared.identifyCaller,
    serviceToken: () => self.token(),
    upstream: service => {
      const here = local.of(service)
      return here === undefined ? remoteUpstream(runtime, { service, directory, http }) : localUpstream(here.handle)
    },
    middleware: [traced(spans), measured(metrics), accessLogged(log)],
  })
  const ready = () => runChecks(runtime, { ...platform.checks, ...gateway.checks })
  const operations = createHttpServer(runtime, {
    handler: withOperations({ metrics, ready }, exchange => exchange.reply(404, [])),
  })
  const server = createHttpServer(runtime, { handler: gateway.handle })
  const stop = async (): Promise<void> => {
    gateway.endStreams()
    await server.close({ graceMs: DRAIN_MS })
    await operations.close({ graceMs: 0 })
  }
  try {
    const { host, port } = await operations.listen(options.operations)
    log.log('info', 'answers /livez, /readyz and /metrics', { host, port })
    for (let looks = 1; !(await ready()).healthy; looks++) {
      if (looks % REPORT_EVERY === 0)
        log.log('warn', 'waits for the services behind it', { waiting: await waitingFor(gateway.checks) })
      await sleep(runtime, LOOK_MS)
    }
    return { address: await server.listen(options.listen), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function waitingFor(checks: Readonly<Record<string, () => Promise<void>>>): Promise<string> {
  const results = await Promise.allSettled(Object.values(checks).map(check => check()))
  return results.flatMap(result => (result.status === 'rejected' ? [Fault.from(result.reason).message] : [])).join(' ')
}
