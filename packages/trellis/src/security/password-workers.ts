import { Worker } from 'node:worker_threads'
import type { Context } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { CancelTimer, Runtime } from '../kernel/runtime.ts'
import type { HashReply, HashRequest } from './password-worker.ts'

/** Options of the threads that hash. */
export interface PasswordWorkersOptions {
  /** Hashes computed at a time, each in a thread of its own. */
  readonly concurrency: number
  /** Requests that wait; further ones are shed. */
  readonly queue: number
  /** How long a thread without work is kept, in milliseconds. */
  readonly idleMs: number
}

interface Job {
  readonly request: HashRequest
  readonly ctx: Context | undefined
  readonly resolve: (hash: Uint8Array) => void
  readonly reject: (fault: Fault) => void
}

interface Thread {
  readonly worker: Worker
  job: Job | undefined
  stopIdling: CancelTimer | undefined
}

/** The module beside this one: TypeScript in the sources, JavaScript once it is built. */
const MODULE = new URL(`./password-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
/** A thread that does nothing but hash needs next to no heap; scrypt's memory is not counted here. */
const LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 }

/** A few threads and a bounded queue before them. Threads start with the first job (10 MB each) and end when idle. */
export class PasswordWorkers implements AsyncDisposable {
  readonly #runtime: Runtime
  readonly #options: PasswordWorkersOptions
  readonly #threads = new Set<Thread>()
  #waiting: Job[] = []
  #stopped = false

  constructor(runtime: Runtime, options: PasswordWorkersOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** Threads that live. */
  get threads(): number {
    return this.#threads.size
  }

  /** Hashes. Fails with `resource_exhausted` / `PASSWORD_QUEUE_FULL` when too many wait, and with the context's fault when it ends while waiting. */
  hash(request: HashRequest, ctx?: Context): Promise<Uint8Array> {
    return this.#runtime.native(
      new Promise((resolve, reject) => {
        if (this.#stopped) return reject(stopped())
        this.#waiting.push({ request, ctx, resolve, reject })
        this.#next()
        if (this.#waiting.length <= this.#options.queue) return
        this.#dropCancelled()
        if (this.#waiting.length > this.#options.queue) this.#waiting.pop()?.reject(queueFull())
      }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    for (const job of this.#waiting) job.reject(stopped())
    this.#waiting = []
    await Promise.all([...this.#threads].map(thread => this.#end(thread, stopped())))
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const thread = this.#freeThread()
      if (thread === undefined) return
      const job = this.#waiting.shift() as Job
      const cancelled = job.ctx?.cancelled
      if (cancelled !== undefined) {
        job.reject(cancelled)
        this.#idle(thread)
        continue
      }
      thread.stopIdling?.()
      thread.stopIdling = undefined
      thread.job = job
      thread.worker.ref()
      thread.worker.postMessage(job.request)
    }
  }

  #freeThread(): Thread | undefined {
    for (const thread of this.#threads) if (thread.job === undefined) return thread
    return this.#threads.size < this.#options.concurrency ? this.#start() : undefined
  }

  #start(): Thread {
    const worker = new Worker(MODULE, { resourceLimits: LIMITS, execArgv: [], name: 'passwords' })
    const thread: Thread = { worker, job: undefined, stopIdling: undefined }
    this.#threads.add(thread)
    worker.on('message', (reply: HashReply) => {
      const job = thread.job
      thread.job = undefined
      this.#idle(thread)
      if ('hash' in reply) job?.resolve(reply.hash)
      else job?.reject(failed(reply.error))
      this.#next()
    })
    worker.on('error', error => void this.#end(thread, failed(error)))
    worker.on('exit', code => void this.#end(thread, failed(`exit ${code}`)))
    return thread
  }

  #idle(thread: Thread): void {
    // A thread without work must not keep the process alive.
    thread.worker.unref()
    thread.stopIdling?.()
    const end = (): void => void this.#end(thread, stopped())
    thread.stopIdling = this.#runtime.timers.after(this.#options.idleMs, end, { background: true })
  }

  async #end(thread: Thread, fault: Fault): Promise<void> {
    if (!this.#threads.delete(thread)) return
    thread.stopIdling?.()
    const job = thread.job
    thread.job = undefined
    job?.reject(fault)
    await thread.worker.terminate()
    this.#next()
  }

  #dropCancelled(): void {
    this.#waiting = this.#waiting.filter(job => {
      const cancelled = job.ctx?.cancelled
      if (cancelled !== undefined) job.reject(cancelled)
      return cancelled === undefined
    })
  }
}

function queueFull(): Fault {
  return new Fault('resource_exhausted', 'Too many sign-ins are waiting; try again in a few seconds.', {
    reason: 'PASSWORD_QUEUE_FULL',
    retryAfterMs: 2_000,
  })
}

function failed(cause: unknown): Fault {
  return new Fault('unavailable', 'The password could not be checked; try again.', {
    reason: 'PASSWORD_WORKER_FAILED',
    cause,
  })
}

function stopped(): Fault {
  return new Fault('unavailable', 'The service is stopping; try again.', { reason: 'STOPPING' })
}
