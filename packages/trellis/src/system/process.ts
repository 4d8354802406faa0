/** One process of a system: any of its services, the gateway, or all of them together. */
import type { Address, Runtime } from '../kernel/index.ts'
import { Fault } from '../kernel/index.ts'
import type { Notice, RunningService, Service } from '../service/index.ts'
import type { Logger, MetricsRegistry, SpanSink } from '../telemetry/index.ts'
import { declareTopics } from './declare-topics.ts'
import type { HostedService } from './hosted-service.ts'
import { hostService } from './hosted-service.ts'
import type { PublicPort } from './public-port.ts'
import { openPublicPort } from './public-port.ts'
import type { Environment } from './settings.ts'
import { readSettings } from './settings.ts'
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
  const { system, environment } = options
  const settings = readSettings(environment)
  const shared = await openShared({ ...options, process: options.name, settings, spans: options.spans })
  const hosted: HostedService[] = []
  let port: PublicPort | undefined
  const stop = async (): Promise<void> => {
    const failures: unknown[] = []
    const attempt = (work: Promise<void>): Promise<void> => work.catch(error => void failures.push(error))
    await attempt(port?.stop() ?? Promise.resolve())
    await Promise.all(hosted.map(service => attempt(service.leave())))
    await Promise.all(hosted.map(service => attempt(service.running.pause())))
    for (const service of hosted.toReversed()) await attempt(service.stop())
    await attempt(Promise.resolve(shared[Symbol.asyncDispose]()))
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} part(s) of ${options.name} did not stop cleanly.`)
  }
  try {
    await declareTopics(shared.platform.broker, system)
    for (const service of chosen(system, options.services)) {
      hosted.push(await hostService(shared, service, { host: settings.host, port: 0 }))
    }
    for (const { running } of hosted) await running.consume()
    if (options.gateway !== undefined) port = await openPublicPort(shared, system, options.gateway)
  } catch (error) {
    await stop().catch(() => undefined) // the failed start is the news
    throw error
  }
  let stopped: Promise<void> | undefined
  const stopOnce = (): Promise<void> => {
    stopped ??= stop()
    return stopped
  }
  return {
    services: new Map(hosted.map(({ running }) => [running.definition.name, running])),
    addresses: new Map(hosted.map(({ running, address }) => [running.definition.name, address])),
    gateway: port?.address,
    stop: stopOnce,
    [Symbol.asyncDispose]: stopOnce,
  }
}

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
