/**
 * Time, chance, network and disk, as everything above sees them. The real one is made by `createRuntime`
 * (runtime-node.ts); `trellis/testing` has a virtual one in which time stands still until it is moved.
 */
import type { Duplex } from 'node:stream'
import type { CancelTimer, Clock, Timers } from './clock.ts'
import type { Deadlines } from './deadline.ts'

export type { CancelTimer, Clock, Timers } from './clock.ts'

/** Chance. */
export interface Random {
  /** Uniform in [0, 1). Not for secrets. */
  next(): number
  /** Unpredictable bytes, fit for keys and tokens (a seeded generator under test). */
  bytes(length: number): Uint8Array
  /** A new id: UUID version 7 (RFC 9562), so that ids sort by time of making; those of one millisecond in any order. */
  id(): string
}

/** Where to listen or connect. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** A listening socket. */
export interface Listener extends AsyncDisposable {
  readonly address: Address
  /** Stops accepting; open connections stay. */
  close(): Promise<void>
}

/** Byte streams between machines. */
export interface Net {
  /** Listens; port 0 takes a free one. A port in use is `failed_precondition` / `PORT_IN_USE`. */
  listen(address: Address, accept: (connection: Duplex) => void): Promise<Listener>
  /** Connects; rejects with `unavailable` / `CONNECT_FAILED`. */
  connect(address: Address): Promise<Duplex>
}

/** An open file. Positions are bytes. */
export interface File extends AsyncDisposable {
  /** Appends. Wait for one before the next: overlapping appends may land in any order, and a failed one may have written a part. */
  append(bytes: Uint8Array | string): Promise<void>
  /** Waits until the file's data is on the medium (fdatasync). After a failure nothing may be assumed about earlier writes. */
  datasync(): Promise<void>
  /** Size in bytes. */
  size(): Promise<number>
  /** Makes it empty, for all that have it open; whoever watches it goes on watching. */
  truncate(): Promise<void>
}

/**
 * The disk. Paths are the platform's. A file or folder made, replaced or removed is so after power loss too once the promise has resolved;
 * what is appended, after a `datasync`. Failures are `unavailable` / `DISK_*` faults, except where a method says otherwise.
 */
export interface FileSystem {
  /** Whole contents, or undefined when the file is not there. */
  read(path: string): Promise<Uint8Array | undefined>
  /** Replaces the contents at once (temporary file, fsync, rename). `mode` defaults to 0o600, since it may be a secret. */
  write(path: string, bytes: Uint8Array | string, options?: { readonly mode?: number }): Promise<void>
  /** Opens for appending; makes the file when it is not there. */
  open(path: string): Promise<File>
  /** Removes a file or a folder with all it holds; nothing happens when it is not there. */
  remove(path: string): Promise<void>
  /** Makes a folder and those above it, each for its owner alone (0o700): databases and logs in it hold secrets. One that is there stays as it is. */
  makeFolder(path: string): Promise<void>
  /** Calls back after the file changed, was replaced, made or removed; may call too often, never carries data. Its folder must be there. */
  watch(path: string, changed: () => void): CancelTimer
}

/** Everything that is not computation. Passed explicitly; nothing in Trellis reaches the clock, chance, sockets or files otherwise. */
export interface Runtime {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly net: Net
  readonly fs: FileSystem
  readonly deadlines: Deadlines
  /**
   * Marks a promise as settled by something outside virtual time (a database driver, a worker thread), so that the virtual runtime
   * does not move its clock meanwhile. The real runtime returns the promise as it is.
   */
  native<T>(work: Promise<T>): Promise<T>
}

/** Waits `ms` milliseconds; rejects with the signal's reason as soon as it aborts. */
export function sleep(runtime: Runtime, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = (): void => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = runtime.timers.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
