/**
 * Keeps a process running: restarts it when it ends by itself, at once at first, then with growing pauses, and never gives up. A supervised process learns that
 * its supervisor died by the closing of its IPC channel, and stops.
 */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import type { CancelTimer, Runtime } from '../kernel/index.ts'
import type { Notice } from '../service/index.ts'
import type { Logger } from '../telemetry/index.ts'

/** What to run. */
export interface ProcessSpec {
  readonly name: string
  /** Arguments of this same Node executable. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Hears what the process has to tell. Default: nobody. */
  readonly notice?: (notice: Notice) => void
  /** Gets each piece of what the process prints. Default: it goes where this process's output goes. */
  readonly output?: (chunk: Uint8Array) => void
}

/** A process under supervision. */
export interface Supervised {
  readonly name: string
  /** Process id of the running incarnation, or undefined between two. */
  readonly pid: number | undefined
  /** How often it was started again. */
  readonly restarts: number
  /** Resolves when the process says that it is ready for the first time. */
  readonly ready: Promise<void>
  /** Asks the process to stop (SIGTERM), kills it after `graceMs` (default 10,000), and resolves when it is gone. It is not started again. */
  stop(graceMs?: number): Promise<void>
}

/** What a supervised process tells its supervisor. */
export type FromProcess = { readonly trellis: 'ready' } | { readonly trellis: 'notice'; readonly notice: Notice }

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2_000
/** A process that ran this long is healthy again: its next end is a first one. */
const HEALTHY_AFTER_MS = 10_000

/** Starts a process and keeps it running. */
export function supervise(runtime: Runtime, log: Logger, spec: ProcessSpec): Supervised {
  return new Supervision(runtime, log, spec)
}

class Supervision implements Supervised {
  readonly name: string
  readonly ready: Promise<void>
  readonly #runtime: Runtime
  readonly #log: Logger
  readonly #spec: ProcessSpec
  readonly #isReady = Promise.withResolvers<void>()
  readonly #gone = Promise.withResolvers<void>()
  #child: ChildProcess | undefined
  #cancelRestart: CancelTimer | undefined
  #startedAt = 0
  #pauseMs = 0
  #stopping = false
  restarts = 0

  constructor(runtime: Runtime, log: Logger, spec: ProcessSpec) {
    this.#runtime = runtime
    this.#log = log
    this.#spec = spec
    this.name = spec.name
    this.ready = this.#isReady.promise
    this.#start()
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async stop(graceMs = 10_000): Promise<void> {
    this.#stopping = true
    this.#cancelRestart?.()
    const child = this.#child
    if (child === undefined) this.#gone.resolve()
    else {
      child.kill('SIGTERM')
      const cancel = this.#runtime.timers.after(graceMs, () => {
        this.#log.log('warn', 'did not stop in time and is killed', { process: this.name, graceMs })
        child.kill('SIGKILL')
      })
      void this.#gone.promise.then(cancel)
    }
    await this.#gone.promise
  }

  #start(): void {
    const { args, env, output } = this.#spec
    const stdio = output === undefined ? 'inherit' : 'pipe'
    this.#startedAt = this.#runtime.clock.monotonic()
    let child: ChildProcess
    try {
      child = spawn(process.execPath, args, {
        env: { ...env } as NodeJS.ProcessEnv,
        stdio: ['ignore', stdio, stdio, 'ipc'],
      })
    } catch (error) {
      // Some refusals of the system come so, such as too little memory; others by the event.
      this.#restart((error as Error).message)
      return
    }
    this.#child = child
    if (output !== undefined) {
      child.stdout?.on('data', output)
      child.stderr?.on('data', output)
    }
    child.on('message', (message: FromProcess) => {
      if (message?.trellis === 'ready') this.#isReady.resolve()
      else if (message?.trellis === 'notice') this.#spec.notice?.(message.notice)
    })
    // A failed spawn has no exit: both ends lead to the same place, once. Other errors, such as of a signal that could not be sent, end nothing.
    child.on('error', error => {
      if (child.pid === undefined) this.#ended(child, error.message)
      else this.#log.log('warn', 'could not be told something', { process: this.name, cause: error.message })
    })
    child.once('exit', (code, signal) => this.#ended(child, signal ?? `code ${code}`))
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return
    this.#child = undefined
    if (this.#stopping) {
      this.#gone.resolve()
      return
    }
    this.#restart(how)
  }

  #restart(how: string): void {
    const ranMs = this.#runtime.clock.monotonic() - this.#startedAt
    if (ranMs >= HEALTHY_AFTER_MS) this.#pauseMs = 0
    const pauseMs = this.#pauseMs
    this.#pauseMs = pauseMs === 0 ? FIRST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, pauseMs * 2)
    this.restarts++
    this.#log.log('warn', 'ended and is started again', { process: this.name, how, pauseMs })
    if (pauseMs === 0) this.#start()
    else this.#cancelRestart = this.#runtime.timers.after(pauseMs, () => this.#start())
  }
}

/** A supervised process's way to its supervisor; without one, nobody listens. */
export interface ToSupervisor {
  ready(): void
  notice(notice: Notice): void
}

/** What a supervised process does on its side: says when it is ready, and stops when it is told to or its supervisor has died. SIGINT is the supervisor's business. */
export function underSupervision(stop: () => void): ToSupervisor {
  process.on('SIGTERM', stop)
  if (process.send === undefined) {
    process.on('SIGINT', stop)
    return { ready: () => undefined, notice: () => undefined }
  }
  process.on('SIGINT', () => undefined)
  process.on('disconnect', stop)
  const tell = (message: FromProcess): void => {
    // The supervisor may die before it is sent, which is no error of this process.
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
  }
  return { ready: () => tell({ trellis: 'ready' }), notice: notice => tell({ trellis: 'notice', notice }) }
}
