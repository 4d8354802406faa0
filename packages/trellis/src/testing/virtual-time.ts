/**
 * Time that stands still until a test moves it.
 *
 * Timers are virtual: they fire one by one, in order of their time and then of their making, and after each one everything
 * that can run without time passing runs first. Turns are real turns of the event loop (they take no virtual time), so that
 * code which only gathers a turn's work goes on without being driven.
 */
import { type Clock, Fault, type Timers } from '../kernel/index.ts'

interface Timer {
  readonly at: number
  readonly fn: () => void
}

/** Timers that may fire, and turns that may pass, without time moving: more is a loop that would never end. */
const MAX_STANDSTILL = 10_000
/** How long `native` work may take, in real milliseconds. Longer means that it waits for virtual time, which waits for it. */
const NATIVE_LIMIT_MS = 30_000
/** How far `runUntil` goes by default: ten virtual minutes, longer than any lease or retry that a test waits for. */
const DEFAULT_LIMIT_MS = 600_000

/** The clock and the timers of a virtual runtime, and what moves them. */
export class VirtualTime {
  readonly clock: Clock
  readonly timers: Timers
  /** In the order in which they will fire. */
  readonly #timers: Timer[] = []
  #now = 0
  #wallOffset: number
  #turns = 0
  #native = 0
  #nativeDone: (() => void) | undefined
  #driving: Promise<void> = Promise.resolve()
  #standstill = 0

  constructor(startMs: number) {
    this.#wallOffset = startMs
    this.clock = {
      now: () => Math.floor(this.#wallOffset + this.#now),
      monotonic: () => this.#now,
      fromWall: wallMs => wallMs,
    }
    this.timers = { after: (ms, fn) => this.#after(ms, fn), turn: fn => this.#turn(fn) }
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.length
  }

  /** Moves the wall clock, and it alone, as a correction of the machine's time does. */
  jumpWall(ms: number): void {
    this.#wallOffset += ms
  }

  /** Marks work that real time does. */
  native<T>(work: Promise<T>): Promise<T> {
    this.#native++
    const done = (): void => {
      this.#native--
      if (this.#native === 0) this.#nativeDone?.()
    }
    work.then(done, done)
    return work
  }

  /** Runs everything that can run without time passing, timers that are due now included. */
  settle(): Promise<void> {
    return this.#drive(() => this.#runTo(this.#now))
  }

  /** Lets `ms` pass. */
  advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`ms is ${ms}; time moves forwards only, by 0 or more.`)
    return this.#drive(() => this.#runTo(this.#now + ms))
  }

  /** Moves from timer to timer until the condition holds. */
  runUntil(condition: () => boolean | Promise<boolean>, limitMs: number = DEFAULT_LIMIT_MS): Promise<void> {
    return this.#drive(async () => {
      const end = this.#now + limitMs
      await this.#idle()
      while (!(await condition())) {
        const next = this.#timers[0]
        if (next === undefined || next.at === Number.POSITIVE_INFINITY) {
          throw new Error('The condition does not hold and no timer waits: it needs an event that will never come.')
        }
        if (next.at > end) throw new Error(`The condition did not come to hold within ${limitMs} ms of virtual time.`)
        await this.#fire(next)
      }
    })
  }

  /** One driver at a time: a second one starts where the first has stopped. */
  #drive(work: () => Promise<void>): Promise<void> {
    const driven = this.#driving.then(work)
    this.#driving = driven.catch(() => undefined) // reported to the one who drove
    return driven
  }

  async #runTo(end: number): Promise<void> {
    await this.#idle()
    for (let next = this.#timers[0]; next !== undefined && next.at <= end; next = this.#timers[0]) {
      await this.#fire(next)
    }
    this.#now = end
  }

  async #fire(timer: Timer): Promise<void> {
    this.#timers.shift()
    if (timer.at > this.#now) this.#standstill = 0
    else if (++this.#standstill > MAX_STANDSTILL)
      throw new Error(`${MAX_STANDSTILL} timers fired without time passing.`)
    this.#now = Math.max(this.#now, timer.at)
    timer.fn()
    await this.#idle()
  }

  /** Waits until no microtask, turn or native work is left. */
  async #idle(): Promise<void> {
    for (let turns = 0; turns < MAX_STANDSTILL; turns++) {
      // Node runs an immediate only after all microtasks, and in order: those of `turn` that came before have run by then.
      await new Promise<void>(resolve => setImmediate(resolve))
      if (this.#native > 0) await this.#nativeWork()
      else if (this.#turns === 0) return
    }
    throw new Error(`${MAX_STANDSTILL} turns passed without time passing.`)
  }

  #nativeWork(): Promise<void> {
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => {
        const message = `${this.#native} native promise(s) did not settle within ${NATIVE_LIMIT_MS} ms of real time; what waits for virtual time is not native.`
        reject(new Fault('deadline_exceeded', message, { reason: 'NATIVE_WORK_STUCK' }))
      }, NATIVE_LIMIT_MS)
      this.#nativeDone = () => {
        clearTimeout(limit)
        this.#nativeDone = undefined
        resolve()
      }
    })
  }

  #after(ms: number, fn: () => void): () => void {
    if (Number.isNaN(ms)) throw new RangeError('ms is NaN; give the milliseconds to wait.')
    const timer: Timer = { at: this.#now + Math.max(0, ms), fn }
    const index = this.#timers.findLastIndex(other => other.at <= timer.at) + 1
    this.#timers.splice(index, 0, timer)
    return () => {
      const current = this.#timers.indexOf(timer)
      if (current >= 0) this.#timers.splice(current, 1)
    }
  }

  #turn(fn: () => void): void {
    this.#turns++
    setImmediate(() => {
      this.#turns--
      fn()
    })
  }
}
