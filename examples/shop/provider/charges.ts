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
  readonly #runtime: Runtime
  readonly #log: File
  readonly #entries = new Map<string, Promise<Entry>>()

  private constructor(runtime: Runtime, log: File, entries: readonly Entry[]) {
    this.#runtime = runtime
    this.#log = log
    for (const entry of entries) this.#entries.set(entry.key, Promise.resolve(entry))
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
    const whole = { ...entry, at: this.#runtime.clock.now() } as Entry
    const written = this.#write(whole)
    this.#entries.set(entry.key, written)
    return written
  }

  async #write(entry: Entry): Promise<Entry> {
    await this.#log.append(`${JSON.stringify(entry)}\n`)
    await this.#log.datasync()
    return entry
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#log[Symbol.asyncDispose]()
  }
}
