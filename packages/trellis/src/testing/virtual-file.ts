/** The contents of one virtual file, as the cache and the medium see them. */
import type { Generator } from './virtual-random.ts'

interface Extent {
  bytes: Uint8Array
  /** `lost`: a flush of it failed. The cache still shows it and no later flush writes it, as on Linux. */
  state: 'cached' | 'durable' | 'lost'
}

/** What the page cache shows, and how much of it a power cut leaves. */
export class VirtualFile {
  #extents: Extent[]

  constructor(durable: Uint8Array = new Uint8Array()) {
    this.#extents = durable.length === 0 ? [] : [{ bytes: durable, state: 'durable' }]
  }

  get size(): number {
    return this.#extents.reduce((size, extent) => size + extent.bytes.length, 0)
  }

  /** Takes the bytes as its own. */
  append(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#extents.push({ bytes, state: 'cached' })
  }

  /** Empties it at once, on the medium too. */
  truncate(): void {
    this.#extents = []
  }

  read(): Uint8Array {
    return Buffer.concat(this.#extents.map(extent => extent.bytes))
  }

  /** Starts to flush what is written by now; call the result with how that went. */
  flush(): (ok: boolean) => void {
    const flushed = this.#extents.filter(extent => extent.state === 'cached')
    return ok => {
      for (const extent of flushed) if (extent.state === 'cached') extent.state = ok ? 'durable' : 'lost'
    }
  }

  /** Cuts the power: durable bytes stay; of those after the last durable one a part may stay, torn at any byte; what was lost reads as zeros. */
  crash(random: Generator): void {
    const lastDurable = this.#extents.findLastIndex(extent => extent.state === 'durable')
    const survivors = this.#extents.slice(0, lastDurable + 1)
    for (const extent of survivors) if (extent.state !== 'durable') extent.bytes = new Uint8Array(extent.bytes.length)
    const tail = Buffer.concat(this.#extents.slice(lastDurable + 1).map(readBack))
    survivors.push({ bytes: Uint8Array.from(tail.subarray(0, random() % (tail.length + 1))), state: 'durable' })
    for (const extent of survivors) extent.state = 'durable'
    this.#extents = survivors.filter(extent => extent.bytes.length > 0)
  }
}

function readBack(extent: Extent): Uint8Array {
  return extent.state === 'lost' ? new Uint8Array(extent.bytes.length) : extent.bytes
}
