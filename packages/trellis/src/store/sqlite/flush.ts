/**
 * Group commit. A commit is in the log file once SQLite has returned, and durable once a flush that *started* after that has succeeded. One
 * flush runs at a time, off the event loop; what is committed meanwhile shares the next one.
 *
 * After a failed flush the kernel may have dropped the pages and call a second flush a success (PostgreSQL's "fsyncgate", 2018). So it is
 * never repeated: every commit without a flush is `COMMIT_UNKNOWN`, and the session is given up (session.ts).
 */
import { Fault, type File, type Runtime } from '../../kernel/index.ts'

/** What waits for its flush. */
export interface Commit {
  /** The commit is durable. */
  durable(): void
  /** Whether it is can't be known. */
  unknown(fault: Fault): void
}

/** Flushes the log for the commits that wait. */
export class Flusher {
  readonly #runtime: Runtime
  readonly #file: File
  readonly #onFlushed: () => void
  readonly #onFailed: (fault: Fault) => void
  #waiting: Commit[] = []
  #flush: Promise<void> | undefined
  #turnAsked = false
  #failure: Fault | undefined

  /** `onFailed` is called once, before the commits that waited hear of it. */
  constructor(runtime: Runtime, file: File, onFlushed: () => void, onFailed: (fault: Fault) => void) {
    this.#runtime = runtime
    this.#file = file
    this.#onFlushed = onFlushed
    this.#onFailed = onFailed
  }

  /** Whether commits of this process may not be durable yet. */
  get pending(): boolean {
    return this.#waiting.length > 0 || this.#flush !== undefined
  }

  /** Adds a commit that SQLite has made. `last`: nothing else is about to commit, so that waiting would gain nothing. */
  add(commit: Commit, last: boolean): void {
    if (this.#failure !== undefined) {
      commit.unknown(this.#failure)
      return
    }
    this.#waiting.push(commit)
    if (this.#flush !== undefined) return
    if (last) {
      this.#start()
      return
    }
    if (this.#turnAsked) return
    this.#turnAsked = true
    this.#runtime.timers.turn(() => {
      this.#turnAsked = false
      this.#start()
    })
  }

  /** Resolves when nothing waits any more, flushed or failed. */
  async idle(): Promise<void> {
    while (this.pending) {
      this.#start()
      await this.#flush
    }
  }

  #start(): void {
    if (this.#flush !== undefined || this.#waiting.length === 0 || this.#failure !== undefined) return
    this.#flush = this.#run()
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        await this.#file.datasync()
      } catch (error) {
        this.#fail(batch, error)
        break
      }
      for (const commit of batch) commit.durable()
      this.#onFlushed()
    }
    this.#flush = undefined
  }

  #fail(batch: readonly Commit[], cause: unknown): void {
    const fault = new Fault(
      'unknown',
      'The disk failed while a transaction was being made durable: it may or may not have happened. Look at the state before trying again, and check the disk.',
      { reason: 'COMMIT_UNKNOWN', cause },
    )
    this.#failure = fault
    const lost = [...batch, ...this.#waiting]
    this.#waiting = []
    this.#onFailed(fault)
    for (const commit of lost) commit.unknown(fault)
  }
}
