/** One process of a system: any of its services, the gateway, or all of them together. */
import type { Address, Part, Runtime } from '../kernel/index.ts'
import { Fault, Lifecycle } from '../kernel/index.ts'
import type { Notice, RunningService, Service } from '../service/index.ts'
import type { Logger, MetricsRegistry, SpanSink } from '../telemetry/index.ts'
import { declareTopics } from './declare-topics.ts'
import type { HostedService } from './hosted-service.ts'
import { hostService } from './hosted-service.ts'
import type { PublicPort } from './public-port.ts'
import { openPublicPort } from './public-port.ts'
import type { Environment } from './settings.ts'
import { readSettings } from './settings.ts'
import type { Shared } from './shared.ts'
import { openShared } from './shared.ts'
import type { System } from './system.ts'

/** What a process is to run. */
export interface ProcessOptions {
  readonly system: System
  /** Services of the system, by name. */
  readonly services: readonly string[]
  /** Where the gateway listens; undefined: it runs elsewhere. */
  readonly gateway?: Address
  /** Names the process, for its files and its place at the broker. */
  readonly name: string
  /** Folder of the system's data. */
  readonly folder: string
  readonly environment: Environment
  readonly runtime: Runtime
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  readonly spans?: SpanSink
  readonly notice: (notice: Notice) => void
}

/** A process at work. */
export interface RunningProcess extends AsyncDisposable {
  readonly services: ReadonlyMap<string, RunningService>
  /** Where each service listens. */
  readonly addresses: ReadonlyMap<string, Address>
  /** Where the gateway listens. */
  readonly gateway: Address | undefined
  /** Leaves discovery, finishes what runs, hands back the rest, and closes. Later calls get the same promise. */
  stop(): Promise<void>
}

/**
 * Starts a process: its services in the order of the system, so that what is called comes before its callers where the system lists it so; then their consumers; then the
 * gateway, whose port opens when everything behind it is there. A failure on the way stops what was started.
 */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const { runtime, system, environment } = options
  const settings = readSettings(environment)
  const definitions = chosen(system, options.services)
  // A port that was asked for is that of the one part here; several take free ones, which registry and log tell.
  const alone = definitions.length + (options.gateway === undefined ? 0 : 1) === 1
  const listen = { host: settings.host, port: alone ? settings.port : 0 }
  const hosted: HostedService[] = []
  let shared: Shared | undefined
  let port: PublicPort | undefined
  const open = (): Shared => shared as Shared
  const lifecycle = new Lifecycle(runtime, [
    {
      name: 'what the services share',
      start: async () => {
        shared = await openShared({ ...options, process: options.name, settings, spans: options.spans })
        await declareTopics(shared.platform.broker, system)
      },
      stop: async () => shared?.[Symbol.asyncDispose](),
    },
    ...definitions.map((definition): Part => {
      let service: HostedService | undefined
      return {
        name: definition.name,
        start: async () => {
          service = await hostService(open(), definition, {
            listen,
            advertise: settings.advertise,
            ...bodyLimit(system),
          })
          hosted.push(service)
        },
        stop: async () => service?.stop(),
      }
    }),
    {
      name: 'consumers',
      start: async () => {
        for (const { running } of hosted) await running.consume()
      },
      stop: async () => {
        await Promise.all(hosted.map(({ running }) => running.pause()))
      },
    },
    {
      name: 'registrations',
      // Who can't leave is taken off the lists by its lease; that is no reason to stop uncleanly.
      stop: async () => {
        const results = await Promise.allSettled(hosted.map(service => service.leave()))
        const failed = results.find(result => result.status === 'rejected')
        if (failed !== undefined)
          options.logger.log('warn', 'could not leave the registry', {}, undefined, failed.reason)
      },
    },
    {
      name: 'gateway',
      start: async () => {
        if (options.gateway === undefined) return
        port = await openPublicPort(open(), system, { listen: options.gateway, operations: listen })
      },
      stop: async () => port?.stop(),
    },
  ])
  await lifecycle.start()
  const stop = (): Promise<void> => lifecycle.stop()
  return {
    services: new Map(hosted.map(({ running }) => [running.definition.name, running])),
    addresses: new Map(hosted.map(({ running, address }) => [running.definition.name, address])),
    gateway: port?.address,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** What the gateway lets pass must not be refused behind it. */
function bodyLimit({ gateway }: System): { readonly maxBodyBytes?: number } {
  const limits = [gateway?.maxBodyBytes, ...(gateway?.routes ?? []).map(route => route.maxBodyBytes)].filter(
    limit => limit !== undefined,
  )
  return limits.length === 0 ? {} : { maxBodyBytes: Math.max(DEFAULT_MAX_BODY_BYTES, ...limits) }
}

/** The limit of a service's port where nothing says otherwise. */
const DEFAULT_MAX_BODY_BYTES = 1_048_576

function chosen(system: System, names: readonly string[]): readonly Service[] {
  const unknown = names.find(name => !system.services.some(service => service.name === name))
  if (unknown !== undefined) {
    const known = system.services.map(service => service.name).join(', ')
    throw new Fault('failed_precondition', `The system ${system.name} has no service "${unknown}"; it has ${known}.`, {
      reason: 'UNKNOWN_SERVICE',
    })
  }
  return system.services.filter(service => names.includes(service.name))
}
