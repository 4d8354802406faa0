import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findTool } from '../tool-cache.ts'

/** A PostgreSQL server of one's own. */
export interface PostgresServer extends AsyncDisposable {
  /** `postgres://postgres@127.0.0.1:PORT/postgres`; the role is a superuser, so a test can make databases of its own. */
  readonly url: string
  /** Process id of the server, for tests that kill it. */
  readonly pid: number
  /** Stops the server (10 s at most, then it is killed) and removes its data. */
  stop(): Promise<void>
}

/** How to start a server. */
export interface PostgresOptions {
  /** Whether commits reach the disk (`fsync`). Off: a test of behaviour need not wait for a disk. */
  readonly durable?: boolean
  /** Further settings, as `-c name=value` would take them. */
  readonly settings?: Readonly<Record<string, string>>
}

interface Account {
  readonly uid: number
  readonly gid: number
}

/**
 * Starts a server with an empty data folder of its own, on loopback and a free port; resolves when it answers. Throws when
 * PostgreSQL is not there (`npm run engines -- postgres`) or doesn't start, with its last words. On Linux it ends with the process
 * that started it, whatever becomes of that.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const program = findTool('postgres')
  if (program === undefined) throw new Error('PostgreSQL is missing; get it with npm run engines -- postgres')
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : undefined
  const home = mkdtempSync(join(tmpdir(), 'trellis-postgres-'))
  const data = join(home, 'data')
  try {
    chmodSync(home, 0o711)
    mkdirSync(data, { mode: 0o700 })
    if (account !== undefined) for (const folder of [home, data]) chownSync(folder, account.uid, account.gid)
    initialise(join(dirname(program), 'initdb'), data, home, account)
    for (let attempt = 1; ; attempt++) {
      const server = await launch(program, data, home, account, options)
      if (server !== 'port taken') return server
      if (attempt === 5) throw new Error('PostgreSQL found no free port in five attempts')
    }
  } catch (error) {
    rmSync(home, { recursive: true, force: true })
    throw error
  }
}

function initialise(initdb: string, data: string, home: string, account: Account | undefined): void {
  const args = ['-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8']
  const [file, ...rest] = as(account, [initdb, ...args])
  const { status, stdout, stderr, error } = spawnSync(file!, rest, { cwd: home, encoding: 'utf8' })
  if (status === 0) return
  const words = error?.message ?? `${stdout}${stderr}`.trim()
  throw new Error(`${initdb} failed (the folders above it must be open to an unprivileged user):\n${words}`)
}

async function launch(
  program: string,
  data: string,
  home: string,
  account: Account | undefined,
  { durable = false, settings = {} }: PostgresOptions,
): Promise<PostgresServer | 'port taken'> {
  const port = await freePort()
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: home,
    shared_buffers: '64MB',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...settings,
  }
  const args = [
    '-D',
    data,
    '-p',
    String(port),
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const [file, ...rest] = as(account, [program, ...args])
  const child = spawn(file!, rest, { cwd: home, stdio: ['ignore', 'ignore', 'pipe'] })
  let words = ''
  const ready = new Promise<'ready' | 'ended'>((settle, fail) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-4000)
      if (words.includes('database system is ready to accept connections')) settle('ready')
    })
    child.once('error', fail)
    child.once('exit', () => settle('ended'))
  })
  if ((await ready) === 'ended') {
    if (/could not bind|Address already in use/.test(words)) return 'port taken'
    throw new Error(`PostgreSQL did not start:\n${words.trim()}`)
  }
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopping ??= end(child).then(() => rmSync(home, { recursive: true, force: true, maxRetries: 3 }))
    return stopping
  }
  return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, pid: child.pid!, stop, [Symbol.asyncDispose]: stop }
}

// SIGINT is PostgreSQL's fast shutdown: it ends the sessions and stops.
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>(settle => child.once('exit', () => settle()))
  child.kill('SIGINT')
  const patience = new AbortController()
  const late = delay(10_000, 'late', { signal: patience.signal }).catch(() => 'ended')
  if ((await Promise.race([ended, late])) === 'late') child.kill('SIGKILL')
  await ended
  patience.abort()
}

// PostgreSQL refuses root. `--pdeathsig` ends it when this process is killed: nobody else would.
function as(account: Account | undefined, command: readonly string[]): readonly string[] {
  if (process.platform !== 'linux') return command
  const identity = account === undefined ? [] : [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups']
  return ['setpriv', ...identity, '--pdeathsig', 'INT', '--', ...command]
}

function unprivilegedAccount(): Account {
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map(flag =>
      Number.parseInt(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout, 10),
    )
    if (uid! > 0 && gid! > 0) return { uid: uid!, gid: gid! }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user "postgres" nor "nobody": add one')
}

function freePort(): Promise<number> {
  return new Promise((settle, fail) => {
    const server = createServer()
    server.once('error', fail)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => settle(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
