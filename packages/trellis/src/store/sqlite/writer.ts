/**
 * The writer: runs transaction bodies one after the other on one connection, in the order in which they were asked for. Bodies are asynchronous, so
 * one that waits for something else holds up all behind it; `maxHoldMs` bounds that.
 *
 * Measured by the store benchmark: no timer, listener or closure per transaction beyond the promises.
 */
import { type CancelTimer, Fault, type Runtime } from '../../kernel/index.ts'
import type { Transaction, TransactionOptions } from '../store.ts'
import { busyPause } from './busy.ts'
import type { Connection } from './connection.ts'
import { busyFault, isBusy, sqliteFault } from './faults.ts'
import type { Flusher } from './flush.ts'
import { abortFault, Job } from './job.ts'
import { SqliteTransaction } from './transaction.ts'

/** Longest time that transactions run without letting the event loop turn, milliseconds: a tenth of the latency that a loaded process may show. */
const SLICE_MS = 1

/** How the writer behaves; see `SqliteOptions`. */
export interface WriterOptions {
  readonly path: string
  readonly busyTimeoutMs: number
  readonly maxQueue: number
  readonly rerunProbability: number
}

/** Runs transactions in order. */
export class Writer {
  readonly #runtime: Runtime
  readonly #connection: Connection
  readonly #flusher: Flusher
  readonly #options: WriterOptions
  #queue: Job[] = []
  #head = 0
  #running: Promise<void> | undefined
  #current: Job | undefined
  #release: (() => void) | undefined
  #holdUntil = 0
  #watchdog: CancelTimer | undefined
  #watchdogAt = 0
  #failure: Fault | undefined
  #gate: PromiseWithResolvers<void> | undefined
  /** When another process was first seen to hold the database, if it was seen so ever since. */
  #busySince: number | undefined

  constructor(runtime: Runtime, connection: Connection, flusher: Flusher, options: WriterOptions) {
    this.#runtime = runtime
    this.#connection = connection
    this.#flusher = flusher
    this.#options = options
  }

  /** Queues a body. */
  submit<T>(body: (tx: Transaction) => Promise<T>, options: TransactionOptions | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      if (this.#queue.length - this.#head >= this.#options.maxQueue) return reject(queueFault(this.#options))
      const now = this.#runtime.clock.monotonic()
      const job = new Job(body, options?.maxHoldMs ?? 1_000, now, resolve as (value: unknown) => void, reject)
      if (options?.signal !== undefined && !this.#listen(job, options.signal)) return
      this.#queue.push(job)
      this.#running ??= this.#drain()
    })
  }

  /** Resolves when the queue is empty. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** Begins no transaction until `release`; the one that runs goes on. */
  hold(): void {
    this.#gate ??= Promise.withResolvers<void>()
  }

  /** Goes on after `hold`. */
  release(): void {
    this.#gate?.resolve()
    this.#gate = undefined
  }

  /** Rolls back what runs and refuses it, all that waits and all that comes. */
  fail(fault: Fault): void {
    this.#failure = fault
    const waiting = this.#queue.slice(this.#head)
    this.#queue = []
    this.#head = 0
    if (this.#current !== undefined) this.#stop(this.#current, fault, 'the store became unavailable')
    for (const job of waiting) {
      job.unlisten?.()
      job.reject(fault)
    }
    this.#watchdog?.()
    this.#watchdog = undefined
  }

  async #drain(): Promise<void> {
    // The caller's turn goes on first, so that what it asks for at once is one batch.
    await undefined
    let sliceEnd = this.#runtime.clock.monotonic() + SLICE_MS
    while (this.#head < this.#queue.length) {
      while (this.#gate !== undefined) await this.#gate.promise
      const job = this.#queue[this.#head] as Job | undefined
      if (job === undefined) break // the store failed while the gate was shut
      this.#queue[this.#head++] = undefined as never
      if (this.#head > 1_000 && this.#head * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#head)
        this.#head = 0
      }
      if (job.stopped === undefined) await this.#perform(job)
      if (this.#runtime.clock.monotonic() < sliceEnd) continue
      await new Promise<void>(resolve => this.#runtime.timers.turn(resolve))
      sliceEnd = this.#runtime.clock.monotonic() + SLICE_MS
    }
    this.#queue = []
    this.#head = 0
    this.#busySince = undefined
    this.#running = undefined
  }

  /** Runs a job until its commit waits for the flush, or it failed. Never rejects. */
  async #perform(job: Job): Promise<void> {
    this.#current = job
    try {
      do {
        await this.#begin(job)
        await this.#runBody(job)
      } while (this.#mustRerun(job))
      if (job.stopped !== undefined) throw job.stopped
      if (job.failed) throw job.error
      if (job.tx?.doomed !== undefined) throw job.tx.doomed
      this.#connection.commit()
      this.#current = undefined
      job.unlisten?.()
      // What a read-only transaction has seen may wait for its flush as well; telling it earlier could tell what power loss takes back.
      if (!this.#connection.wrote && !this.#flusher.pending) job.durable()
      else this.#flusher.add(job, this.#head >= this.#queue.length)
    } catch (error) {
      this.#current = undefined
      if (job.stopped === undefined) this.#connection.rollback()
      job.tx?.end('it was rolled back')
      job.unlisten?.()
      job.reject(error)
    }
  }

  /** Takes the write lock, waiting with jitter while another process holds it. */
  async #begin(job: Job): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      if (job.stopped !== undefined) throw job.stopped
      try {
        this.#connection.begin()
        this.#busySince = undefined
        return
      } catch (error) {
        if (!isBusy(error)) throw sqliteFault(error, this.#options.path, 'begin')
        const now = this.#runtime.clock.monotonic()
        this.#busySince ??= now
        // Those that stood behind a job which waited in vain have waited with it.
        const waitUntil = Math.max(this.#busySince, job.askedAt) + this.#options.busyTimeoutMs
        if (now >= waitUntil) throw busyFault(this.#options.path, error)
      }
      await busyPause(this.#runtime, attempt)
    }
  }

  /** Runs the body; resolves when it has settled or was stopped. */
  #runBody(job: Job): Promise<void> {
    // Between taking the lock and here the caller may have given up, and the lock with it.
    if (job.stopped !== undefined) return Promise.resolve()
    const tx = new SqliteTransaction(this.#connection, this.#runtime.clock.now())
    job.tx = tx
    job.failed = false
    this.#watch(job)
    return new Promise(resolve => {
      const settle = (): void => {
        tx.end('its body has returned')
        this.#release = undefined
        resolve()
      }
      this.#release = resolve
      let result: Promise<unknown>
      try {
        result = job.body(tx)
      } catch (error) {
        result = Promise.reject(error)
      }
      result.then(
        value => {
          if (job.stopped !== undefined || job.tx !== tx) return
          job.value = value
          settle()
        },
        (error: unknown) => {
          if (job.stopped !== undefined || job.tx !== tx) return
          job.failed = true
          job.error = error
          settle()
        },
      )
    })
  }

  /** Under test, runs a body again as a conflict would on other engines. */
  #mustRerun(job: Job): boolean {
    const probability = this.#options.rerunProbability
    if (probability === 0 || job.stopped !== undefined || job.failed) return false
    if (this.#runtime.random.next() >= probability) return false
    this.#connection.rollback()
    return true
  }

  #listen(job: Job, signal: AbortSignal): boolean {
    if (signal.aborted) {
      job.reject(abortFault(signal))
      return false
    }
    const onAbort = (): void => {
      const fault = abortFault(signal)
      if (this.#current === job) {
        this.#stop(job, fault, 'its caller gave up')
        return
      }
      job.stopped = fault
      job.unlisten?.()
      job.reject(fault)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    job.unlisten = () => signal.removeEventListener('abort', onAbort)
    return true
  }

  /** Ends the running job early. */
  #stop(job: Job, fault: Fault, why: string): void {
    if (job.stopped !== undefined) return
    job.stopped = fault
    job.tx?.end(why)
    this.#connection.rollback()
    this.#release?.()
    this.#release = undefined
  }

  /** One timer serves all transactions: it looks at whichever runs when it fires. */
  #watch(job: Job): void {
    this.#holdUntil = this.#runtime.clock.monotonic() + job.maxHoldMs
    if (this.#watchdog !== undefined) {
      if (this.#watchdogAt <= this.#holdUntil) return
      this.#watchdog()
    }
    this.#arm(job.maxHoldMs)
  }

  #arm(ms: number): void {
    this.#watchdogAt = this.#runtime.clock.monotonic() + ms
    this.#watchdog = this.#runtime.timers.after(ms, () => this.#look(), { background: true })
  }

  #look(): void {
    this.#watchdog = undefined
    const job = this.#current
    if (job === undefined || this.#release === undefined) return
    const left = this.#holdUntil - this.#runtime.clock.monotonic()
    if (left > 0) {
      this.#arm(left)
      return
    }
    const fault = new Fault(
      'deadline_exceeded',
      `A transaction was rolled back after ${job.maxHoldMs} ms. Do slow work before it; never await another transaction of the same store inside one.`,
      { reason: 'TRANSACTION_TOO_LONG' },
    )
    this.#stop(job, fault, `it held the store longer than ${job.maxHoldMs} ms`)
  }
}

function queueFault(options: WriterOptions): Fault {
  return new Fault('unavailable', `${options.maxQueue} transactions wait for ${options.path} already; try again.`, {
    reason: 'STORE_BUSY',
  })
}
