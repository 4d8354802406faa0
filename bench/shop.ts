/** The shop as a user starts it: `npm start`, but for npm itself. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { argumentsOf, childrenOf } from './process-usage.ts'

/** Root of the repository. */
export const ROOT: string = join(import.meta.dirname, '..')

/** How a shop is started. */
export interface ShopOptions {
  readonly split?: boolean
  /** Its data; a folder that is given is kept. */
  readonly folder?: string
  /** Further options of Node, such as those of its profiler. */
  readonly nodeOptions?: string
}

/** A shop at work. */
export interface Shop extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly folder: string
  /** Process id of the process that was started: the shop itself, or with `split` its supervisor. */
  readonly pid: number
  /** Milliseconds from the start to the first answered request. */
  readonly startMs: number
  /** Process ids by name, the supervisor's and the payment provider's left out. One process: `shop` alone. */
  processes(): ReadonlyMap<string, number>
}

const EMAIL = 'clerk@shop.example'
const PASSWORD = 'clerk-of-the-benchmarks'
/** Who may look at all orders. */
export const CLERK = { email: EMAIL, password: PASSWORD } as const

/** Starts a shop; resolves when it has answered its first request. */
export async function startShop(options: ShopOptions = {}): Promise<Shop> {
  const { split = false } = options
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'trellis-bench-')))
  const port = await freePort()
  const args = ['start', '--port', String(port), '--data', folder, '--quiet', ...(split ? ['--split'] : [])]
  const { NODE_OPTIONS: _, ...environment } = process.env
  const started = performance.now()
  const child = spawn(process.execPath, [join(ROOT, 'run.mjs'), ...args], {
    cwd: ROOT,
    env: {
      ...environment,
      SHOP_ADMIN_PASSWORD: 'admin-of-the-benchmarks',
      SHOP_CLERK_PASSWORD: PASSWORD,
      ...(options.nodeOptions === undefined ? {} : { NODE_OPTIONS: options.nodeOptions }),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let words = ''
  child.stderr?.setEncoding('utf8').on('data', piece => {
    words = (words + piece).slice(-4_000)
  })
  // A benchmark that fails on the way leaves no shop behind.
  const killShop = (): void => void child.kill('SIGTERM')
  process.once('exit', killShop)
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const stop = async (): Promise<void> => {
    process.off('exit', killShop)
    child.kill('SIGTERM')
    await gone
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
  }
  const pid = child.pid
  if (pid === undefined) throw new Error('The shop could not be started.')
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`The shop ended with code ${child.exitCode}:\n${words}`)
    if (performance.now() - started > 60_000) {
      await stop()
      throw new Error(`The shop did not answer within 60 s:\n${words}`)
    }
  }
  const startMs = performance.now() - started
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    folder,
    pid,
    startMs,
    processes: () => (split ? parts(pid) : new Map([['shop', pid]])),
    [Symbol.asyncDispose]: stop,
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** Asks once; a port that is not open yet is asked again after 2 ms, which is how exact a start is measured. */
function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const asked = request({ host: '127.0.0.1', port, path: '/api/products?limit=1', agent: false }, response => {
      response.resume()
      response.once('end', () => resolve(response.statusCode === 200))
    })
    asked.once('error', () => setTimeout(resolve, 2, false))
    asked.end()
  })
}

const PARTS = ['users', 'catalog', 'inventory', 'payments', 'orders', 'notifications', 'analytics', 'gateway']

function parts(supervisor: number): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const pid of childrenOf(supervisor)) {
    const args = argumentsOf(pid).slice(1)
    const name = PARTS.find(part => args.includes(part)) ?? (args.includes('--gateway') ? 'gateway' : undefined)
    if (name !== undefined) found.set(name, pid)
  }
  return found
}
