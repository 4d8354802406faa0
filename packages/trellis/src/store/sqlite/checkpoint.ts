/**
 * Keeps the log short. SQLite starts the log over only when a write finds all of it copied and nobody reading it; under steady writes that moment
 * never comes by itself. So the bulk is copied beside the writers, and the little that came meanwhile while they pause.
 *
 * The thread costs some 12 MB: it starts when the log has grown and ends when it has been idle.
 */
import { Worker } from 'node:worker_threads'
import type { CancelTimer, Runtime } from '../../kernel/index.ts'
import { type CheckpointReply, type CheckpointRequest, checkpointThread } from './checkpoint-worker.ts'
import type { Connection } from './connection.ts'

/** How long the thread is kept without work, milliseconds. */
const IDLE_MS = 5_000
/** Pause after a checkpoint that failed, milliseconds: a full or failing disk seldom mends sooner. */
const FAILED_MS = 1_000
/** Rounds beside the writers before they are paused, and what is little enough to pause them for, in pages. */
const MOST_ROUNDS = 3
const LITTLE = 256
/** How many times its wanted length the log may reach before the writers wait for the checkpoint that runs. */
const MOST_TIMES = 4
/** Bytes of a page. */
export const PAGE_BYTES = 4_096

/** What a checkpointer works on. */
export interface CheckpointOptions {
  readonly path: string
  /** Pages in the log from which on it is copied. */
  readonly pages: number
  /** Begins no transaction of this process between `hold` and `release`; both may be called again. */
  readonly writer: { hold(): void; release(): void }
}

/** Copies the log into the database file when it has grown. */
export class Checkpointer {
  readonly #runtime: Runtime
  readonly #connection: Connection
  readonly #options: CheckpointOptions
  #worker: Worker | undefined
  #answer: PromiseWithResolvers<CheckpointReply> | undefined
  #running: Promise<void> | undefined
  #cancelIdle: CancelTimer | undefined
  #notBefore = 0
  #failures = 0
  #failure: string | undefined
  #closed = false

  constructor(runtime: Runtime, connection: Connection, options: CheckpointOptions) {
    this.#runtime = runtime
    this.#connection = connection
    this.#options = options
  }

  /** Why checkpoints fail, once they have failed three times on end. */
  get failure(): string | undefined {
    return this.#failures >= 3 ? this.#failure : undefined
  }

  /** To be called after flushes. Looks at the log when enough was written since it last did. */
  flushed(): void {
    if (this.#closed || this.#connection.dirtyPages * 8 < this.#options.pages) return
    if (this.#failures > 0 && this.#runtime.clock.monotonic() < this.#notBefore) return
    const log = this.#connection.logPages()
    if (log === undefined) return // inside a transaction, after which there is a flush again
    this.#connection.dirtyPages = 0
    if (log < this.#options.pages) return
    if (this.#running !== undefined) {
      if (log >= this.#options.pages * MOST_TIMES) this.#options.writer.hold()
      return
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined
      this.#options.writer.release()
    })
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
    await this.#endWorker()
  }

  async #run(): Promise<void> {
    this.#cancelIdle?.()
    try {
      for (let round = 0; round < MOST_ROUNDS; round++) {
        const { log, checkpointed } = await this.#ask('passive')
        if (log - checkpointed <= LITTLE) break
      }
      this.#options.writer.hold()
      await this.#ask('restart')
      this.#failures = 0
    } catch (error) {
      this.#failures++
      this.#failure = (error as Error).message
      this.#notBefore = this.#runtime.clock.monotonic() + FAILED_MS
    }
    this.#cancelIdle = this.#runtime.timers.after(IDLE_MS, () => void this.#endWorker(), { background: true })
  }

  async #ask(request: 'passive' | 'restart'): Promise<{ readonly log: number; readonly checkpointed: number }> {
    const worker = this.#startWorker()
    const answer = Promise.withResolvers<CheckpointReply>()
    this.#answer = answer
    // Transactions may wait for the answer, and nothing else keep the process alive meanwhile.
    worker.ref()
    worker.postMessage(request)
    const reply = await this.#runtime.native(answer.promise)
    worker.unref()
    if ('error' in reply) throw new Error(reply.error)
    return reply
  }

  #startWorker(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(`(${checkpointThread})()`, {
      eval: true,
      workerData: this.#options.path,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16, stackSizeMb: 1 },
    })
    const lost = (error: Error): void => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      this.#answer?.reject(error)
    }
    worker.on('message', (reply: CheckpointReply) => this.#answer?.resolve(reply))
    worker.on('error', error => lost(error instanceof Error ? error : new Error(String(error))))
    worker.on('exit', code => lost(new Error(`the thread ended with ${code}`)))
    this.#worker = worker
    return worker
  }

  async #endWorker(): Promise<void> {
    this.#cancelIdle?.()
    const worker = this.#worker
    if (worker === undefined || (this.#running !== undefined && !this.#closed)) return
    this.#worker = undefined
    const ended = new Promise<void>(resolve => worker.once('exit', () => resolve()))
    worker.ref()
    worker.postMessage('close' satisfies CheckpointRequest)
    await this.#runtime.native(ended)
  }
}
