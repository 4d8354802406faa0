/**
 * The books of the payment provider: the other side, on which "charged exactly once" is checked. Every charge and refund is a line of
 * its log, flushed before the answer leaves, and read back at start.
 */
import type { File, Runtime } from 'trellis/kernel'

/** A request to charge, or one that was declined. */
export interface Charge {
  readonly kind: 'charge'
  readonly key: string
  readonly reference: string
  readonly amount: number
  readonly currency: string
  readonly method: string
  readonly status: 'captured' | 'declined'
  readonly at: number
}

export interface Refund {
  readonly kind: 'refund'
  readonly key: string
  /** Key of the charge that is given back. */
  readonly charge: string
  readonly amount: number
  readonly currency: string
  readonly at: number
}

export type Entry = Charge | Refund

/** Reads a log. A line cut short by a crash was never answered for, and is left out. */
export function parseLog(text: string): Entry[] {
  const entries: Entry[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    try {
      entries.push(JSON.parse(line) as Entry)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
    }
  }
  return entries
}

/** The books: at most one entry for each key. */
export class Books implements AsyncDisposable {
  /** Rejects once the log could not be written. What of it is on disk is known only to who reads it anew, so this process must end. */
  readonly failed: Promise<never>
  readonly #runtime: Runtime
  readonly #log: File
  readonly #entries = new Map<string, Promise<Entry>>()
  readonly #fail: (error: unknown) => void
  #waiting: { readonly line: string; readonly written: PromiseWithResolvers<void> }[] = []
  #writing: Promise<void> | undefined
  #broken = false

  private constructor(runtime: Runtime, log: File, entries: readonly Entry[]) {
    this.#runtime = runtime
    this.#log = log
    for (const entry of entries) this.#entries.set(entry.key, Promise.resolve(entry))
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => undefined) // whoever entered something hears of it too
    this.failed = promise
    this.#fail = reject
  }

  static async open(runtime: Runtime, path: string): Promise<Books> {
    const bytes = await runtime.fs.read(path)
    const text = bytes === undefined ? '' : new TextDecoder().decode(bytes)
    const log = await runtime.fs.open(path)
    // A torn last line must not swallow the next entry.
    if (text !== '' && !text.endsWith('\n')) await log.append('\n')
    return new Books(runtime, log, parseLog(text))
  }

  /** The entry of a key, once it is on disk. */
  find(key: string): Promise<Entry> | undefined {
    return this.#entries.get(key)
  }

  /** Enters once per key; a repeated key gets the first entry. Resolves when it survives a crash. */
  enter(entry: Omit<Charge, 'at'> | Omit<Refund, 'at'>): Promise<Entry> {
    const known = this.#entries.get(entry.key)
    if (known !== undefined) return known
    if (this.#broken) return this.failed
    const whole = { ...entry, at: this.#runtime.clock.now() } as Entry
    const written = Promise.withResolvers<void>()
    const entered = written.promise.then(() => whole)
    this.#entries.set(entry.key, entered)
    this.#waiting.push({ line: `${JSON.stringify(whole)}\n`, written })
    this.#writing ??= this.#write()
    return entered
  }

  /** Writes what waits, all of it with one flush, and what came meanwhile with the next. After a failure nothing is written any more. */
  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        await this.#log.append(batch.map(({ line }) => line).join(''))
        await this.#log.datasync()
      } catch (error) {
        this.#broken = true
        this.#fail(error)
        for (const { written } of [...batch, ...this.#waiting]) written.reject(error)
        return
      }
      for (const { written } of batch) written.resolve()
    }
    this.#writing = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing
    await this.#log[Symbol.asyncDispose]()
  }
}
