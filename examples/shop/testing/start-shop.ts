/** A shop of its own for a test: in a temporary folder, on a free port, stopped and removed after. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningSystem } from 'trellis/system'
import { runSystem } from 'trellis/system'
import shop from '../system.ts'

/** How a shop is started. */
export interface StartOptions {
  /** Each service in a process of its own. Default: all in this one. */
  readonly split?: boolean
  /** How much shorter every duration becomes, such as 1/20. Default 1. */
  readonly timeScale?: number
  /** Its data; one that is given is kept. Default: a temporary folder. */
  readonly folder?: string
  /** Further settings. */
  readonly environment?: Readonly<Record<string, string>>
}

/** A shop at work. */
export interface Shop extends AsyncDisposable {
  /** Where its gateway listens: `http://127.0.0.1:PORT`. */
  readonly url: string
  readonly folder: string
  readonly accounts: { readonly admin: Account; readonly clerk: Account }
  /** Names of the processes beside this one: with `split` all services and the gateway; the provider always. */
  readonly processes: readonly string[]
  /** Process id of a process, or undefined between two incarnations. */
  pid(name: string): number | undefined
  /** How often a process was started again. */
  restarts(name: string): number
  /** Kills a process with SIGKILL; false when it was not running. The supervisor starts it again. */
  kill(name: string): boolean
  /** Stops a process and keeps it down: with `split` a service or the gateway until `bringBack`, the provider for good. Resolves when it is down. */
  takeDown(name: string): Promise<void>
  /** Lets a part that was taken down come back; the supervisor has kept trying. */
  bringBack(name: string): Promise<void>
  /** What the services told at the start. */
  readonly notices: readonly string[]
  /** Stops the shop; its data stay until the folder goes. */
  stop(): Promise<void>
}

/** Who may sign in. */
export interface Account {
  readonly email: string
  readonly password: string
}

/** The shop's people in every test. */
export const ADMIN: Account = { email: 'admin@shop.example', password: 'admin-of-this-test' }
export const CLERK: Account = { email: 'clerk@shop.example', password: 'clerk-of-this-test' }

/** Starts a shop; resolves when its gateway answers. Disposing stops it and removes a temporary folder. */
export async function startShop(options: StartOptions = {}): Promise<Shop> {
  const { split = false, timeScale } = options
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'trellis-shop-')))
  const remove = async (): Promise<void> => {
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
  }
  const notices: string[] = []
  let running: RunningSystem
  try {
    running = await runSystem({
      system: shop,
      folder,
      listen: { host: '127.0.0.1', port: 0 },
      environment: {
        ...inherited(),
        SHOP_ADMIN_PASSWORD: ADMIN.password,
        SHOP_CLERK_PASSWORD: CLERK.password,
        ...(timeScale === undefined
          ? {}
          : { TRELLIS_TIME_SCALE: String(timeScale), TRELLIS_TIME_ANCHOR: String(Date.now()) }),
        ...options.environment,
      },
      split,
      command: part => [
        '--conditions=trellis-source',
        join(import.meta.dirname, 'part.test-process.ts'),
        folder,
        ...(part.kind === 'gateway' ? ['gateway', part.listen.host, String(part.listen.port)] : ['service', part.name]),
      ],
      notice: ({ text }) => void notices.push(text),
    })
  } catch (error) {
    await remove()
    throw error
  }
  const process_ = (name: string) => {
    const found = running.processes.find(candidate => candidate.name === name)
    if (found === undefined) throw new RangeError(`The shop has no process ${name}.`)
    return found
  }
  const { address } = running
  if (address === undefined) throw new TypeError('The shop has no gateway.')
  return {
    url: `http://${address.host}:${address.port}`,
    folder,
    accounts: { admin: ADMIN, clerk: CLERK },
    processes: running.processes.map(({ name }) => name),
    pid: name => process_(name).pid,
    restarts: name => process_(name).restarts,
    kill: name => {
      const { pid } = process_(name)
      return pid !== undefined && process.kill(pid, 'SIGKILL')
    },
    takeDown: async name => {
      if (shop.companions.some(companion => companion.name === name)) return process_(name).stop()
      const { pid } = process_(name)
      await writeFile(downMarker(folder, name), '')
      if (pid !== undefined) process.kill(pid, 'SIGTERM')
      while (process_(name).pid === pid) await sleep(10)
    },
    bringBack: name => rm(downMarker(folder, name)),
    notices,
    stop: () => running.stop(),
    [Symbol.asyncDispose]: async () => {
      await running.stop()
      await remove()
    },
  }
}

/** A file that keeps a part from starting. */
function downMarker(folder: string, name: string): string {
  return join(folder, `${name}.down`)
}

/** The environment of this process without what the test runner put into it: a part is no test. */
export function inherited(): Record<string, string | undefined> {
  const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, ...rest } = process.env
  return rest
}
