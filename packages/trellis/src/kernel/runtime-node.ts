import { randomBytes, randomFillSync } from 'node:crypto'
import type { Clock, Timers } from './clock.ts'
import { Deadlines } from './deadline.ts'
import type { Random, Runtime } from './runtime.ts'
import { nodeFiles } from './runtime-node-files.ts'
import { nodeNet } from './runtime-node-net.ts'

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
    net: nodeNet,
    fs: nodeFiles,
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
      if (Number.isNaN(ms)) throw new RangeError('ms is NaN; give the milliseconds to wait.')
      // Node fires a longer timer at once; waiting in pieces keeps "in 30 days" true. It cuts fractions off, which would be early.
      let timer: NodeJS.Timeout
      let left = Math.max(0, Math.ceil(ms * scale))
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
  const tail = Buffer.from(random).toString('hex')
  // Two bits of the digit that is written nowhere else, or the digits after it would repeat them.
  const variant = (8 + (((random[2] as number) >> 4) & 3)).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${tail.slice(0, 3)}-${variant}${tail.slice(5, 8)}-${tail.slice(8, 20)}`
}
