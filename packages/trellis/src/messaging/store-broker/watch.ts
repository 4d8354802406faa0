/**
 * Learns what other processes did to the broker: one cheap read every `pollMs`, and at once when a byte was appended to the wake file. The file carries
 * nothing; losing a wake-up costs the time to the next poll.
 */
import type { CancelTimer, File, Runtime } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'
import { PARTITIONS } from './position.ts'
import type { Topic } from './topics.ts'

/** Size at which the wake file is emptied, bytes. */
const MAX_WAKE_BYTES = 64 * 1024
/** How many times longer the pause is after a look that failed: each failure is told. */
const AWAY_TIMES = 10

/** What the watch works with. */
export interface WatchParts {
  readonly runtime: Runtime
  readonly store: Store
  readonly pollMs: number
  readonly wakePath: string | undefined
  /** Topics that somebody here follows. */
  readonly topics: () => Iterable<Topic>
  readonly onHead: (slot: number, head: number) => void
  readonly onTopology: () => void
  readonly onDelayed: (due: number) => void
  readonly onFault: (error: unknown) => void
}

interface Pulse {
  readonly heads: number
  readonly version: number
  readonly due: number | null
}

const PULSE = `select (select coalesce(sum(head), 0) from broker_partition) as heads,
  (select version from broker_topology where id = 1) as version, (select min(due) from broker_delayed) as due`

/** Watches the broker's tables for this process. */
export class Watch {
  readonly #parts: WatchParts
  #file: File | undefined
  #unwatch: CancelTimer | undefined
  #timer: CancelTimer | undefined
  #heads = -1
  #version = -1
  #polling: Promise<void> | undefined
  #again = false
  #appending: Promise<void> | undefined
  #poked = false
  #bytes = 0
  #following = false
  #closed = false

  constructor(parts: WatchParts) {
    this.#parts = parts
  }

  /** Opens the wake file, so that others can be woken. */
  async open(): Promise<void> {
    const { wakePath, runtime } = this.#parts
    if (wakePath === undefined) return
    this.#file = await runtime.fs.open(wakePath)
  }

  /** Starts to look. Repeating it is harmless. */
  follow(): void {
    if (this.#following || this.#closed) return
    this.#following = true
    const { wakePath, runtime } = this.#parts
    if (wakePath !== undefined) this.#unwatch = runtime.fs.watch(wakePath, () => this.#look())
    this.#look()
  }

  /** Wakes the other processes. Calls of one turn share a byte. */
  poke(): void {
    if (this.#file === undefined || this.#closed) return
    this.#poked = true
    this.#appending ??= this.#append(this.#file)
  }

  /** Stops looking and closes the file. */
  async close(): Promise<void> {
    this.#closed = true
    this.#timer?.()
    this.#unwatch?.()
    await this.#polling
    await this.#appending
    await this.#file?.[Symbol.asyncDispose]()
  }

  async #append(file: File): Promise<void> {
    try {
      while (this.#poked) {
        this.#poked = false
        await file.append('.')
        if (this.#bytes++ % 1_024 === 0 && (await file.size()) > MAX_WAKE_BYTES) await file.truncate()
      }
    } catch (error) {
      this.#parts.onFault(error) // the others poll
    }
    this.#appending = undefined
  }

  #look(): void {
    if (this.#polling !== undefined) {
      this.#again = true
      return
    }
    this.#timer?.()
    this.#polling = this.#poll().then(looked => {
      this.#polling = undefined
      if (this.#closed) return
      if (this.#again) {
        this.#again = false
        this.#look()
        return
      }
      const pauseMs = looked ? this.#parts.pollMs : this.#parts.pollMs * AWAY_TIMES
      this.#timer = this.#parts.runtime.timers.after(pauseMs, () => this.#look(), { background: true })
    })
  }

  /** False: the store did not answer. */
  async #poll(): Promise<boolean> {
    const { store, topics, onHead, onTopology, onDelayed, onFault } = this.#parts
    try {
      const pulse = (await store.reader.get<Pulse>(PULSE)) as Pulse
      if (pulse.due !== null) onDelayed(pulse.due)
      if (pulse.version !== this.#version) {
        const first = this.#version === -1
        this.#version = pulse.version
        if (!first) onTopology()
      }
      if (pulse.heads === this.#heads) return true
      for (const topic of topics()) {
        const rows = await store.reader.all<{ slot: number; head: number }>(
          'select slot, head from broker_partition where slot >= ? and slot < ?',
          topic.id * PARTITIONS,
          (topic.id + 1) * PARTITIONS,
        )
        for (const { slot, head } of rows) onHead(slot, head)
      }
      this.#heads = pulse.heads
      return true
    } catch (error) {
      onFault(error)
      return false
    }
  }
}
