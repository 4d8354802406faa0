import { randomBytes, randomFillSync } from 'node:crypto'
import { watch } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { dirname, resolve as resolvePath } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Clock, Timers } from './clock.ts'
import { Deadlines } from './deadline.ts'
import { Fault } from './fault.ts'
import type { File, FileSystem, Listener, Net, Random, Runtime } from './runtime.ts'

/** Options of the real runtime. */
export interface RuntimeOptions {
  /**
   * How much shorter every duration becomes: 1/20 lets the clock run twenty times as fast. Default 1. For tests; processes that
   * work together need the same scale and anchor.
   */
  readonly timeScale?: number
  /** The wall time at which the scaled and the real clock agree, milliseconds since 1970. Default: when the runtime is made. */
  readonly anchorMs?: number
}

/** The real runtime: this machine's clock, entropy, sockets and disk. */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  const scale = options.timeScale ?? 1
  if (!(scale > 0 && scale <= 1))
    throw new RangeError(`timeScale is ${scale}; it must be greater than 0 and at most 1.`)
  const anchor = options.anchorMs ?? Date.now()
  const clock = createClock(scale, anchor)
  const timers = createTimers(scale)
  return {
    clock,
    timers,
    random: createRandom(clock),
    net,
    fs,
    deadlines: new Deadlines(clock, timers),
    native: work => work,
  }
}

function createClock(scale: number, anchor: number): Clock {
  if (scale === 1) return { now: Date.now, monotonic: () => performance.now(), fromWall: wallMs => wallMs }
  const fromWall = (wallMs: number): number => anchor + (wallMs - anchor) / scale
  return { now: () => Math.round(fromWall(Date.now())), monotonic: () => performance.now() / scale, fromWall }
}

const MAX_TIMER_MS = 2 ** 31 - 1

function createTimers(scale: number): Timers {
  return {
    after(ms, fn, timerOptions) {
      // Node fires a longer timer at once; waiting in pieces keeps "in 30 days" true.
      let timer: NodeJS.Timeout
      let left = Math.max(0, ms * scale)
      const arm = (): void => {
        const piece = Math.min(left, MAX_TIMER_MS)
        left -= piece
        timer = setTimeout(left > 0 ? arm : fn, piece)
        if (timerOptions?.background === true) timer.unref()
      }
      arm()
      return () => clearTimeout(timer)
    },
    turn: fn => void setImmediate(fn),
  }
}

const POOL_BYTES = 4096

function createRandom(clock: Clock): Random {
  // One system call fills many small requests: trace and span ids are made for every call.
  const pool = Buffer.allocUnsafe(POOL_BYTES)
  let used = POOL_BYTES
  const bytes = (length: number): Uint8Array => {
    if (length > POOL_BYTES / 4) return new Uint8Array(randomBytes(length))
    if (used + length > POOL_BYTES) {
      randomFillSync(pool)
      used = 0
    }
    used += length
    return new Uint8Array(pool.subarray(used - length, used))
  }
  return { next: Math.random, bytes, id: () => uuidV7(clock.now(), bytes(10)) }
}

/** A UUID of version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 bits of the given ten random bytes. */
export function uuidV7(nowMs: number, random: Uint8Array): string {
  const time = Math.floor(nowMs).toString(16).padStart(12, '0')
  const tail = Array.from(random, byte => byte.toString(16).padStart(2, '0')).join('')
  const variant = (8 + ((random[2] as number) & 3)).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${tail.slice(0, 3)}-${variant}${tail.slice(5, 8)}-${tail.slice(8, 20)}`
}

const net: Net = {
  listen(address, accept) {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, accept)
      server.once('error', (error: NodeJS.ErrnoException) => reject(listenFault(error, address.port)))
      server.listen({ host: address.host, port: address.port, backlog: 1024 }, () => {
        const bound = server.address()
        const port = typeof bound === 'object' && bound !== null ? bound.port : address.port
        const close = (): Promise<void> => new Promise(done => server.close(() => done()))
        // server.close() waits for open connections; a listener that stops accepting must not.
        const stop = (): Promise<void> => {
          void close()
          return Promise.resolve()
        }
        const listener: Listener = { address: { host: address.host, port }, close: stop, [Symbol.asyncDispose]: stop }
        resolve(listener)
      })
    })
  },
  connect(address) {
    return new Promise<Duplex>((resolve, reject) => {
      const socket = connect({ host: address.host, port: address.port, noDelay: true })
      const failed = (error: Error): void =>
        reject(
          new Fault('unavailable', `Could not connect to ${address.host}:${address.port}; is it running?`, {
            reason: 'CONNECT_FAILED',
            cause: error,
          }),
        )
      socket.once('error', failed)
      socket.once('connect', () => {
        socket.off('error', failed)
        resolve(socket)
      })
    })
  },
}

function listenFault(error: NodeJS.ErrnoException, port: number): Fault {
  if (error.code === 'EADDRINUSE') {
    return new Fault(
      'failed_precondition',
      `Port ${port} is in use; stop what uses it or choose another with --port.`,
      {
        reason: 'PORT_IN_USE',
        cause: error,
      },
    )
  }
  return new Fault('unavailable', `Could not listen on port ${port}: ${error.message}.`, {
    reason: 'LISTEN_FAILED',
    cause: error,
  })
}

const fs: FileSystem = {
  async read(path) {
    try {
      return await readFile(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw diskFault(error, path)
    }
  },
  async write(path, bytes, options) {
    const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
    try {
      const handle = await open(temporary, 'wx', options?.mode ?? 0o600)
      try {
        await handle.writeFile(bytes)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(temporary, path)
      await syncFolder(dirname(path))
    } catch (error) {
      await rm(temporary, { force: true })
      throw diskFault(error, path)
    }
  },
  async open(path) {
    try {
      return openFile(await open(path, 'a+'), path)
    } catch (error) {
      throw diskFault(error, path)
    }
  },
  async remove(path) {
    await rm(path, { recursive: true, force: true }).catch(error => {
      throw diskFault(error, path)
    })
  },
  async makeFolder(path) {
    try {
      const topmost = await mkdir(path, { recursive: true })
      if (topmost === undefined) return
      // A new folder is there after power loss once the one above it was flushed.
      for (let made = resolvePath(path); made.length >= topmost.length; made = dirname(made))
        await syncFolder(dirname(made))
    } catch (error) {
      throw diskFault(error, path)
    }
  },
  watch(path, changed) {
    const watcher = watch(path, { persistent: false }, () => changed())
    // The file went away: whoever watches also polls, so a lost watch costs latency and nothing else.
    watcher.on('error', () => watcher.close())
    return () => watcher.close()
  },
}

/** A rename is durable only once the folder that holds the name is. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function openFile(handle: FileHandle, path: string): File {
  const guard = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw diskFault(error, path)
    }
  }
  return {
    append: bytes => guard(handle.appendFile(bytes)),
    datasync: () => guard(handle.datasync()),
    size: async () => (await guard(handle.stat())).size,
    truncate: () => guard(handle.truncate(0)),
    [Symbol.asyncDispose]: () => handle.close(),
  }
}

function diskFault(error: unknown, path: string): Fault {
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
  const advice =
    code === 'ENOSPC'
      ? 'The disk is full; free some space.'
      : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
        ? 'It may not be written by this user; change its permissions or choose another folder.'
        : 'Check the path and the disk.'
  return new Fault('unavailable', `${path}: ${code}. ${advice}`, {
    reason: code === 'ENOSPC' ? 'DISK_FULL' : 'DISK_FAILED',
    cause: error,
  })
}
