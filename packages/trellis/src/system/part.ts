/** One part of a system as a process of its own: under a supervisor, or by itself in production. */
import type { Address } from '../kernel/index.ts'
import { createRuntime } from '../kernel/index.ts'
import { createMetrics, processMetrics } from '../telemetry/index.ts'
import { openLog, openTraces } from './logging.ts'
import type { RunningProcess } from './process.ts'
import { startProcess } from './process.ts'
import type { Environment } from './settings.ts'
import { readSettings } from './settings.ts'
import { underSupervision } from './supervisor.ts'
import type { System } from './system.ts'

/** Which part, and where. */
export interface PartOptions {
  readonly system: System
  /** Services to run. */
  readonly services: readonly string[]
  /** Where the gateway listens; undefined: it runs elsewhere. */
  readonly gateway?: Address
  readonly folder: string
  readonly environment: Environment
  /** Called once the part serves. */
  readonly ready?: (process: RunningProcess) => void
}

/** Runs a part until it is told to stop, by its supervisor or by SIGTERM; resolves when it has stopped. */
export async function runPart(options: PartOptions): Promise<void> {
  const { system, services, folder, environment } = options
  const settings = readSettings(environment)
  const runtime = createRuntime(settings.runtime)
  const stopping = Promise.withResolvers<void>()
  const supervisor = underSupervision(() => stopping.resolve())
  const name = services.length === 0 ? 'gateway' : services.join('+')
  await using stack = new AsyncDisposableStack()
  const log = stack.use(await openLog(runtime, { folder, name, level: settings.logLevel }))
  const metrics = createMetrics()
  stack.defer(processMetrics(runtime, metrics))
  const spans = openTraces(runtime, options, name, stack)
  const starting = startProcess({
    system,
    services,
    ...(options.gateway === undefined ? {} : { gateway: options.gateway }),
    name,
    folder,
    environment,
    runtime,
    logger: log.logger,
    metrics,
    ...(spans === undefined ? {} : { spans }),
    notice: notice => supervisor.notice(notice),
  })
  const started = await Promise.race([starting, stopping.promise])
  if (started === undefined) {
    // Told to stop before it was up. What it has opened ends with the process; how the start would have ended is no news.
    starting.catch(() => undefined)
    return
  }
  stack.use(started)
  supervisor.ready()
  options.ready?.(started)
  await stopping.promise
}
