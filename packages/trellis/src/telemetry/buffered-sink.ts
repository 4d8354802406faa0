/**
 * Gathers lines and hands them on once per turn of the event loop, one write at a time: a log line must cost a string concatenation,
 * not a system call. What the medium refuses is lost, counted, and told about in the log itself once the medium takes lines again; the service
 * goes on, since a full disk under the log is no reason to stop serving.
 */
import type { Runtime } from '../kernel/runtime.ts'
import { jsonString } from './json-text.ts'
import { isoTime } from './line-format.ts'
import type { LogSink } from './telemetry.ts'

/** Options of a buffered sink. */
export interface BufferedSinkOptions {
  /** Most text that waits for a slow medium, in characters; further lines are dropped and counted. Default 8 Mi: seconds of a busy service. */
  readonly maxPending?: number
  /** How long a medium that failed is left alone, in milliseconds. Default 1,000. */
  readonly retryAfterMs?: number
  /** Whether the notice about dropped lines is JSON or plain text. Default `json`. */
  readonly format?: 'json' | 'pretty'
}

/** What a buffered sink writes to. */
export interface Medium {
  /** Writes text; one call at a time. A rejection loses this text and no other. */
  append(text: string): Promise<void>
  close(): Promise<void>
}

/** A sink that buffers for any medium. */
export class BufferedSink implements LogSink {
  readonly #runtime: Runtime
  readonly #medium: Medium
  readonly #options: Required<BufferedSinkOptions>
  readonly #time = isoTime()
  #pending = ''
  #pendingLines = 0
  #scheduled = false
  #writing: Promise<void> | undefined
  #pausedUntil = Number.NEGATIVE_INFINITY
  #closed = false
  #dropped = 0
  #untold = 0

  constructor(runtime: Runtime, medium: Medium, options: BufferedSinkOptions = {}) {
    this.#runtime = runtime
    this.#medium = medium
    this.#options = {
      maxPending: options.maxPending ?? 8 * 1024 * 1024,
      retryAfterMs: options.retryAfterMs ?? 1_000,
      format: options.format ?? 'json',
    }
  }

  get dropped(): number {
    return this.#dropped
  }

  write(line: string): void {
    if (this.#closed || this.#pending.length + line.length > this.#options.maxPending) {
      this.#drop(1)
      return
    }
    this.#pending += line
    this.#pendingLines++
    this.#schedule()
  }

  async flush(): Promise<void> {
    await this.#writing
    while (this.#pending !== '') await this.#start()
  }

  /** What was not handed to the medium yet; it counts as written. For the last moment of a process, when only synchronous writing is left. */
  takePending(): string {
    const text = this.#pending
    this.#pending = ''
    this.#pendingLines = 0
    return text
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.flush()
    await this.#medium.close()
  }

  #schedule(): void {
    if (this.#scheduled || this.#writing !== undefined) return
    this.#scheduled = true
    const wait = this.#pausedUntil - this.#runtime.clock.monotonic()
    if (wait > 0) this.#runtime.timers.after(wait, this.#turn, { background: true })
    else this.#runtime.timers.turn(this.#turn)
  }

  readonly #turn = (): void => {
    this.#scheduled = false
    if (this.#pending !== '') void this.#start()
  }

  #start(): Promise<void> {
    this.#writing ??= this.#writeOnce().finally(() => {
      this.#writing = undefined
      if (this.#pending !== '') this.#schedule()
    })
    return this.#writing
  }

  async #writeOnce(): Promise<void> {
    const lines = this.#pendingLines
    const told = this.#untold
    const text = (told > 0 ? this.#notice(told) : '') + this.takePending()
    try {
      await this.#medium.append(text)
      this.#untold -= told
    } catch {
      // The medium is the log: there is nowhere else to say it, so it is counted and said later.
      this.#drop(lines)
      this.#pausedUntil = this.#runtime.clock.monotonic() + this.#options.retryAfterMs
    }
  }

  #drop(lines: number): void {
    this.#dropped += lines
    this.#untold += lines
  }

  #notice(lines: number): string {
    const message = `${lines} log line(s) were dropped: the log could not be written`
    const time = this.#time(this.#runtime.clock.now())
    if (this.#options.format === 'pretty') return `${time.slice(11, 23)} WARN  ${message}\n`
    return `{"time":"${time}","level":"warn","message":${jsonString(message)},"fields":{"dropped":${lines}}}\n`
  }
}
