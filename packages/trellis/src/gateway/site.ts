import { Fault } from '../kernel/fault.ts'
import type { Runtime } from '../kernel/runtime.ts'
import { type Content, content } from './content.ts'
import { mediaType } from './media-types.ts'

/** Bytes of files that are kept; the ones used longest ago make room. */
const KEPT_BYTES = 33_554_432
/** How long a kept file is taken for current, in milliseconds: who edits a file and reloads the page sees it. */
const FRESH_MS = 1_000
/** Longest path, and longest name in it, that a file system takes. */
const MAX_PATH = 1_024

interface Kept {
  readonly content: Content
  readAt: number
}

/** The files of a folder. */
export class Site {
  readonly #runtime: Runtime
  readonly #folder: string
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  constructor(runtime: Runtime, folder: string) {
    if (folder === '') throw new TypeError('The site needs the path of its folder.')
    this.#runtime = runtime
    this.#folder = folder
  }

  /** The file at a raw path of a request; undefined when there is none, or it is not to be seen. */
  async find(path: string): Promise<Content | undefined> {
    const name = fileName(path)
    if (name === undefined) return undefined
    const now = this.#runtime.clock.monotonic()
    const kept = this.#kept.get(name)
    if (kept !== undefined && now - kept.readAt < FRESH_MS) return kept.content
    const bytes = await this.#read(name)
    this.#forget(name)
    if (bytes === undefined) return undefined
    const found =
      kept !== undefined && Buffer.compare(kept.content.bytes, bytes) === 0
        ? kept.content
        : content(mediaType(name), bytes)
    this.#keep(name, { content: found, readAt: now })
    return found
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#runtime.fs.read(`${this.#folder}/${name}`)
    } catch (error) {
      const { code } = (Fault.from(error).cause ?? {}) as { code?: string }
      // A folder, a file as a part of the path, a name that no file can have: no such file. What can't be read is another matter.
      if (code === 'EISDIR' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined
      // Where the folder lies is none of the world's business; the log has the cause.
      throw new Fault('unavailable', "The page can't be read at the moment.", {
        reason: 'PAGE_UNREADABLE',
        cause: error,
      })
    }
  }

  #keep(name: string, kept: Kept): void {
    const size = kept.content.bytes.byteLength
    if (size > KEPT_BYTES / 4) return
    this.#kept.set(name, kept)
    this.#bytes += size
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES) return
      this.#forget(oldest)
    }
  }

  #forget(name: string): void {
    const kept = this.#kept.get(name)
    if (kept === undefined) return
    this.#bytes -= kept.content.bytes.byteLength
    this.#kept.delete(name)
  }
}

/**
 * The name of a file below the folder; undefined for what could lead out of it, or to what is not to be seen. Decoded once: what is still encoded afterwards is part of a
 * name.
 */
export function fileName(path: string): string | undefined {
  if (!path.startsWith('/') || path.length > MAX_PATH) return undefined
  let decoded: string
  try {
    decoded = decodeURIComponent(path)
  } catch {
    return undefined // A URIError: no UTF-8.
  }
  const name = decoded.endsWith('/') ? `${decoded.slice(1)}index.html` : decoded.slice(1)
  // Backslash and colon part paths on Windows; control characters end or break them. A segment of dots leads up, one that begins with a dot is private.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\x00-\x1f\x7f\\:]/.test(name)) return undefined
  return name.split('/').some(segment => segment === '' || segment.startsWith('.')) ? undefined : name
}
