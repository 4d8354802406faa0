/** The shop as its user starts it, `trellis dev`, in a process that can be killed whole and is started again by whoever sees it die. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Shop } from './start-shop.ts'
import { ADMIN, CLERK, inherited } from './start-shop.ts'

/** What chaos needs of a shop. */
export type Prey = Pick<Shop, 'url' | 'folder' | 'accounts' | 'processes' | 'pid' | 'restarts' | 'kill' | 'stop'>

const CLI = join(import.meta.dirname, '../../../packages/cli/src/main.ts')
const SYSTEM = join(import.meta.dirname, '../system.ts')
/** Whoever starts a shop by hand tries again a moment after it was refused, as when parts of the last one are still going. */
const AGAIN_MS = 200

/** Starts the shop in a process of its own; resolves when it says that it is ready. With `split` that process is the supervisor of the others. */
export async function startWhole(options: {
  readonly split: boolean
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
}): Promise<Prey> {
  const { split, folder, environment } = options
  const port = await freePort()
  const args = ['--conditions=trellis-source', CLI, 'dev', SYSTEM, '--json', '--port', String(port), '--data', folder]
  const env = {
    ...inherited(),
    SHOP_ADMIN_PASSWORD: ADMIN.password,
    SHOP_CLERK_PASSWORD: CLERK.password,
    ...environment,
  }
  const ready = Promise.withResolvers<void>()
  const gone = Promise.withResolvers<void>()
  let child: ChildProcess | undefined
  let restarts = 0
  let stopping = false
  const start = (): void => {
    const own = spawn(process.execPath, split ? [...args, '--split'] : args, {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    child = own
    own.stdout.once('data', () => ready.resolve())
    own.once('exit', async (_, signal) => {
      child = undefined
      if (stopping) return gone.resolve()
      if (signal !== 'SIGKILL') await sleep(AGAIN_MS)
      else restarts++
      start()
    })
  }
  start()
  await ready.promise
  return {
    url: `http://127.0.0.1:${port}`,
    folder,
    accounts: { admin: ADMIN, clerk: CLERK },
    processes: ['shop'],
    pid: () => child?.pid,
    restarts: () => restarts,
    kill: () => child?.kill('SIGKILL') === true,
    stop: async () => {
      stopping = true
      if (child === undefined) return
      child.kill('SIGTERM')
      await gone.promise
    },
  }
}

/** The same one over all starts, so that clients find the shop again. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as { port: number }
  await new Promise(closed => server.close(closed))
  return port
}
