/** Runs a whole system on this machine: in one process, or each service in its own under a supervisor. */
import { join } from 'node:path'
import { expireAll } from '../discovery/store-registry/lease.ts'
import type { Address, Runtime } from '../kernel/index.ts'
import { createRuntime } from '../kernel/index.ts'
import { fileKeys, prepareSystemKey } from '../security/index.ts'
import type { Notice } from '../service/index.ts'
import { createMetrics, processMetrics } from '../telemetry/index.ts'
import { openStore } from './engines.ts'
import { lockFolder } from './folder-lock.ts'
import { freePort } from './free-port.ts'
import type { ProcessLog } from './logging.ts'
import { openLog, openTraces } from './logging.ts'
import { startProcess } from './process.ts'
import type { Environment } from './settings.ts'
import { readSettings } from './settings.ts'
import { SYSTEM_KEYS } from './shared.ts'
import type { Supervised } from './supervisor.ts'
import { supervise } from './supervisor.ts'
import type { System } from './system.ts'

/** How a system is run. */
export interface RunOptions {
  readonly system: System
  /** Folder of its data and logs. */
  readonly folder: string
  /** Where the gateway listens. Port 0 takes a free one. */
  readonly listen: Address
  readonly environment: Environment
  /** Each service in a process of its own; default: all in this one. Needs `command`. */
  readonly split?: boolean
  /** Arguments of Node that run one part of this system, for `split`: its module and flags. */
  readonly command?: (part: Part) => readonly string[]
  /** Hears what services have to tell. Default: nobody. */
  readonly notice?: (notice: Notice) => void
}

/** A part of a system that is a process under `split`. */
export type Part =
  | { readonly kind: 'service'; readonly name: string }
  | { readonly kind: 'gateway'; readonly listen: Address }

/** A running system. */
export interface RunningSystem extends AsyncDisposable {
  /** Where the gateway listens. */
  readonly address: Address | undefined
  /** Processes beside this one, for people who look or kill. */
  readonly processes: readonly Supervised[]
  /** Drains and stops everything. Later calls get the same promise. */
  stop(): Promise<void>
}

/**
 * Runs a system until it is stopped. Resolves once its gateway answers. A port in use, a folder that can't be written and a folder that another system uses are
 * `failed_precondition` or `unavailable` faults that say what to do.
 */
export async function runSystem(asked: RunOptions): Promise<RunningSystem> {
  const options = { ...asked, environment: anchored(asked.environment) }
  const stack = new AsyncDisposableStack()
  try {
    return await start(options, stack)
  } catch (error) {
    await stack.disposeAsync().catch(() => undefined) // the failed start is the news
    throw error
  }
}

/** Processes that share a scaled clock must agree on where it started. */
function anchored(environment: Environment): Environment {
  const { TRELLIS_TIME_SCALE: scale, TRELLIS_TIME_ANCHOR: anchor } = environment
  if (scale === undefined || anchor !== undefined) return environment
  return { ...environment, TRELLIS_TIME_ANCHOR: String(createRuntime().clock.now()) }
}

async function start(options: RunOptions, stack: AsyncDisposableStack): Promise<RunningSystem> {
  const { system, folder, split = false } = options
  const settings = readSettings(options.environment)
  const runtime = createRuntime(settings.runtime)
  await portIsFree(runtime, options.listen)
  const lock = await lockFolder(runtime, folder)
  stack.defer(() => lock.release())
  const log = stack.use(
    await openLog(runtime, { folder, name: split ? 'supervisor' : system.name, level: settings.logLevel }),
  )
  await prepareSystemKey(runtime, fileKeys(runtime, join(folder, SYSTEM_KEYS)))
  const { companions, environment } = await startCompanions(runtime, options, log, stack)
  const parts = { ...options, environment }
  const running = split ? await startSplit(runtime, parts, log, stack) : await startTogether(runtime, parts, log, stack)
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopped ??= stack.disposeAsync()
    return stopped
  }
  return {
    address: running.address,
    processes: [...running.processes, ...companions],
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** A port in use is known before anything is started. */
async function portIsFree(runtime: Runtime, listen: Address): Promise<void> {
  if (listen.port === 0) return
  const listener = await runtime.net.listen(listen, socket => socket.destroy())
  await listener.close()
}

async function startCompanions(
  runtime: Runtime,
  options: RunOptions,
  log: ProcessLog,
  stack: AsyncDisposableStack,
): Promise<{ companions: Supervised[]; environment: Environment }> {
  const environment: Record<string, string | undefined> = { ...options.environment }
  const companions: Supervised[] = []
  for (const { name, module, setting } of options.system.companions) {
    const port = await freePort(runtime, '127.0.0.1')
    environment[setting] = `http://127.0.0.1:${port}`
    const data = join(options.folder, name)
    const output = stack.use(await openLog(runtime, { folder: options.folder, name, level: 'info' }))
    const companion = supervise(runtime, log.logger, {
      name,
      args: [...process.execArgv, fileOf(module)],
      env: { ...options.environment, PORT: String(port), DATA: data },
      output: chunk => output.logger.log('info', new TextDecoder().decode(chunk).trimEnd()),
    })
    stack.defer(() => companion.stop())
    companions.push(companion)
  }
  return { companions, environment }
}

function fileOf(module: string): string {
  return module.startsWith('file:') ? decodeURIComponent(new URL(module).pathname) : module
}

interface Started {
  readonly address: Address | undefined
  readonly processes: readonly Supervised[]
}

async function startTogether(
  runtime: Runtime,
  options: RunOptions,
  log: ProcessLog,
  stack: AsyncDisposableStack,
): Promise<Started> {
  const { system, folder, environment, listen } = options
  const metrics = createMetrics()
  stack.defer(processMetrics(runtime, metrics))
  const spans = openTraces(runtime, options, system.name, stack)
  const running = await startProcess({
    system,
    services: system.services.map(service => service.name),
    ...(system.gateway === undefined ? {} : { gateway: listen }),
    name: system.name,
    folder,
    environment,
    runtime,
    logger: log.logger,
    metrics,
    ...(spans === undefined ? {} : { spans }),
    notice: options.notice ?? (() => undefined),
  })
  stack.use(running)
  return { address: running.gateway, processes: [] }
}

/**
 * After a crash of everything the registry holds addresses at which nobody, or somebody else, listens by now; the public port would open before them.
 * Where that can't be written they go with their leases, some seconds later.
 */
async function forgetEarlierLife(runtime: Runtime, folder: string, log: ProcessLog): Promise<void> {
  try {
    await using store = await openStore(runtime, { url: undefined, folder, name: 'platform' })
    await expireAll(store)
  } catch (error) {
    log.logger.log('warn', 'the registry keeps what it knew before the start', {}, undefined, error)
  }
}

/**
 * Of many services on one machine each keeps 4 MB for what is newly allocated in place of 16, twice: a seventh of its memory, for 3 % of its processor time under full load. Smaller
 * costs memory again, since what is needed for a moment only is then taken for old. The gateway, which all requests pass, is left as it is.
 */
const SMALL = ['--max-semi-space-size=4']

async function startSplit(
  runtime: Runtime,
  options: RunOptions,
  log: ProcessLog,
  stack: AsyncDisposableStack,
): Promise<Started> {
  const { system, listen, environment, command, notice } = options
  if (command === undefined) throw new TypeError('split needs command: how one part of the system is started.')
  const address = { host: listen.host, port: listen.port === 0 ? await freePort(runtime, listen.host) : listen.port }
  await forgetEarlierLife(runtime, options.folder, log)
  const services = system.services.map(({ name }): Part => ({ kind: 'service', name }))
  const parts: Part[] = system.gateway === undefined ? services : [...services, { kind: 'gateway', listen: address }]
  const processes = parts.map(part => {
    const name = part.kind === 'gateway' ? 'gateway' : part.name
    const args = part.kind === 'service' ? [...SMALL, ...command(part)] : command(part)
    return supervise(runtime, log.logger, { name, args, env: environment, ...(notice === undefined ? {} : { notice }) })
  })
  stack.defer(async () => {
    // The door first, then everybody at once: each finishes what it has in hand.
    await processes.at(-1)?.stop()
    await Promise.all(processes.map(process => process.stop()))
  })
  await Promise.all(processes.map(process => process.ready))
  return { address: system.gateway === undefined ? undefined : address, processes }
}
