/**
 * The connections, from their opening until they are closed or given up. A store has one session at a time, and a new one after a flush failed.
 */
import { dirname } from 'node:path'
import type { Fault, File, Runtime } from '../../kernel/index.ts'
import { busyPause } from './busy.ts'
import { Checkpointer, PAGE_BYTES } from './checkpoint.ts'
import { Connection } from './connection.ts'
import { busyFault, isBusy, sqliteFault } from './faults.ts'
import { Flusher } from './flush.ts'
import { Writer, type WriterOptions } from './writer.ts'

/** What a session needs; see `SqliteOptions`. */
export interface SessionOptions extends WriterOptions {
  readonly maxBytes: number | undefined
  readonly checkpointBytes: number
  /** Called once, when a flush failed and the session must be given up. */
  readonly onFailed: (fault: Fault) => void
}

/** Opens the connections. With `recover`, everything in the log is first brought into the database file by fresh, flushed writes. */
export async function openSession(runtime: Runtime, options: SessionOptions, recover: boolean): Promise<Session> {
  const { path } = options
  await runtime.fs.makeFolder(dirname(path))
  const connection = await openConnection(runtime, options, false)
  let reader: Connection | undefined
  let log: File | undefined
  try {
    await whenFree(runtime, options, () => connection.checkWritable())
    reader = await openConnection(runtime, options, true)
    // Made by SQLite by now; it stays this file as long as a connection is open. Locks are on the other two files, so that closing it is harmless.
    log = await runtime.fs.open(`${path}-wal`)
    const session = new Session(runtime, options, connection, reader, log)
    if (recover) await session.recover()
    return session
  } catch (error) {
    // The writer first: as the last to close it would copy the log, which a failed recovery must not.
    connection.close()
    reader?.close()
    await log?.[Symbol.asyncDispose]()
    throw sqliteFault(error, path)
  }
}

/** One set of connections to one database file. */
export class Session {
  readonly writer: Writer
  readonly reader: Connection
  readonly #runtime: Runtime
  readonly #options: SessionOptions
  readonly #connection: Connection
  readonly #flusher: Flusher
  readonly #checkpointer: Checkpointer
  readonly #log: File
  #abandoned = false

  constructor(runtime: Runtime, options: SessionOptions, connection: Connection, reader: Connection, log: File) {
    this.#runtime = runtime
    this.#options = options
    this.#connection = connection
    this.reader = reader
    this.#log = log
    this.#flusher = new Flusher(runtime, log, () => this.#checkpointer.flushed(), options.onFailed)
    this.writer = new Writer(runtime, connection, this.#flusher, options)
    this.#checkpointer = new Checkpointer(runtime, connection, {
      path: options.path,
      pages: Math.max(1, Math.floor(options.checkpointBytes / PAGE_BYTES)),
      writer: this.writer,
    })
  }

  /** Why the log cannot be kept short, when it can't. */
  get checkpointFailure(): string | undefined {
    return this.#checkpointer.failure
  }

  /**
   * After a failed flush the log's pages may be lost while the system believes them written. Copying the log into the database file writes every page
   * anew; only then is the log emptied, durably, since an old log over a newer database would take changes back.
   */
  async recover(): Promise<void> {
    await whenFree(this.#runtime, this.#options, () => {
      const row = this.#connection.own('pragma wal_checkpoint(truncate)')
      if (row?.busy !== 0) throw busyFault(this.#options.path)
    })
    await this.#log.datasync()
  }

  /** Finishes what was asked for, then closes. */
  async close(): Promise<void> {
    await this.writer.idle()
    await this.#flusher.idle()
    await this.#checkpointer.close()
    if (this.#abandoned) return // the last flush failed
    await this.#log[Symbol.asyncDispose]()
    this.reader.close()
    this.#connection.close()
  }

  /** Refuses all work with `fault` and closes, leaving the log as it is. */
  async abandon(fault: Fault): Promise<void> {
    this.#abandoned = true
    this.writer.fail(fault)
    await this.#checkpointer.close()
    // The last connection to close copies the log into the database, which must not happen now. A read-only one cannot.
    this.#connection.close()
    this.reader.close()
    await this.#log[Symbol.asyncDispose]()
  }
}

function openConnection(runtime: Runtime, options: SessionOptions, readOnly: boolean): Promise<Connection> {
  const maxBytes = options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }
  return whenFree(runtime, options, () => new Connection(options.path, { readOnly, ...maxBytes }))
}

/** Retries while another process holds the database, as long as `busyTimeoutMs`. */
async function whenFree<T>(runtime: Runtime, options: SessionOptions, work: () => T): Promise<T> {
  const waitUntil = runtime.clock.monotonic() + options.busyTimeoutMs
  for (let attempt = 0; ; attempt++) {
    try {
      return work()
    } catch (error) {
      const fault = sqliteFault(error, options.path)
      if (!isBusy(error) && fault.reason !== 'STORE_BUSY') throw fault
      if (runtime.clock.monotonic() >= waitUntil) throw fault
    }
    await busyPause(runtime, attempt)
  }
}
