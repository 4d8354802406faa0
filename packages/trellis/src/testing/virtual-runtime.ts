import { Deadlines, type Runtime } from '../kernel/index.ts'
import { createVirtualFileSystem, type VirtualFileSystem } from './virtual-files.ts'
import { createVirtualNet, type VirtualNet } from './virtual-net.ts'
import { createVirtualRandom, seeded } from './virtual-random.ts'
import { VirtualTime } from './virtual-time.ts'

/** Options of a virtual runtime. */
export interface VirtualRuntimeOptions {
  /** Any number. The same seed gives the same ids, delays and torn writes; print it when a randomised test fails. */
  readonly seed: number
  /** The wall time at which it starts, milliseconds since 1970. Default: 2026-01-01T00:00:00Z, so that output repeats. */
  readonly startMs?: number
}

/**
 * A runtime whose time stands still until it is moved, whose chance repeats, and whose disk and network are in memory.
 * Whatever real time does (a database driver, a worker thread, web crypto) goes through `native`; time does not move meanwhile.
 * An error thrown by a timer rejects the call that moved time.
 */
export interface VirtualRuntime extends Runtime {
  readonly fs: VirtualFileSystem
  readonly net: VirtualNet
  readonly seed: number
  /** How many timers wait; to find those that nobody cancelled. */
  readonly pendingTimers: number
  /** Lets `ms` pass: timers fire one by one in order, each followed by all microtasks, turns and native work it causes. */
  advance(ms: number): Promise<void>
  /** Lets time pass, timer by timer, until the condition holds. Rejects when nothing is left to wait for, or after `limitMs` of virtual time (default ten minutes). */
  runUntil(condition: () => boolean | Promise<boolean>, limitMs?: number): Promise<void>
  /** Lets time pass until `work` has settled, and returns what it did. Same limits as `runUntil`. */
  run<T>(work: Promise<T>, limitMs?: number): Promise<T>
  /** Runs all that can run without time passing, timers that are due now included. */
  settle(): Promise<void>
  /** Moves the wall clock, forwards or backwards, and not the monotonic one: a machine whose time was corrected. */
  jumpWall(ms: number): void
}

const DEFAULT_START_MS = Date.UTC(2026, 0, 1)

/**
 * Makes a virtual runtime.
 *
 * @example
 * const runtime = createVirtualRuntime({ seed: 1 })
 * const slept = sleep(runtime, 60_000)
 * await runtime.advance(60_000) // takes no real time
 * await slept
 */
export function createVirtualRuntime(options: VirtualRuntimeOptions): VirtualRuntime {
  const { seed, startMs = DEFAULT_START_MS } = options
  if (!Number.isFinite(seed)) throw new RangeError(`seed is ${seed}; give a finite number.`)
  if (!Number.isFinite(startMs)) throw new RangeError(`startMs is ${startMs}; give milliseconds since 1970.`)
  const time = new VirtualTime(startMs)
  const { clock, timers } = time
  return {
    clock,
    timers,
    seed,
    random: createVirtualRandom(seed, clock),
    net: createVirtualNet(timers, clock.monotonic, seeded(seed, 1)),
    fs: createVirtualFileSystem(timers, seeded(seed, 2)),
    deadlines: new Deadlines(clock, timers),
    get pendingTimers(): number {
      return time.pending
    },
    native: work => time.native(work),
    advance: ms => time.advance(ms),
    runUntil: (condition, limitMs) => time.runUntil(condition, limitMs),
    async run(work, limitMs) {
      let settled = false
      const done = (): void => {
        settled = true
      }
      work.then(done, done)
      await time.runUntil(() => settled, limitMs)
      return work
    },
    settle: () => time.settle(),
    jumpWall: ms => time.jumpWall(ms),
  }
}
