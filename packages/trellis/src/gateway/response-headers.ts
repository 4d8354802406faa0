import type { Headers } from '../wire/exchange.ts'

/** Hop by hop (RFC 9110, section 7.6.1), about this hop alone, or nobody's business outside. */
const DROPPED: ReadonlySet<string> = new Set([
  'connection',
  'date',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'server',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-powered-by',
])

/** What of a service's headers goes out, and what is added. Made once for each kind of answer. */
export class ResponseHeaders {
  readonly #own: Headers
  readonly #ownNames: Set<string>

  /** `own`: sent with every answer, in place of what the service says under the same names. */
  constructor(own: Headers) {
    this.#own = own
    this.#ownNames = new Set(own.filter((_, index) => index % 2 === 0))
  }

  /** Headers of an answer whose length is known to whoever sends it. */
  of(headers: Headers, added: Headers): string[] {
    return this.#select(headers, added, false)
  }

  /** Headers of an answer whose body follows; a length that they state is kept. */
  sized(headers: Headers, added: Headers): string[] {
    return this.#select(headers, added, true)
  }

  #select(headers: Headers, added: Headers, sized: boolean): string[] {
    const out = this.#own.slice()
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index] as string
      if (name === 'content-length' ? !sized : this.#isDropped(name)) continue
      out.push(name, headers[index + 1] as string)
    }
    for (let index = 0; index < added.length; index++) out.push(added[index] as string)
    return out
  }

  #isDropped(name: string): boolean {
    return (
      DROPPED.has(name) || this.#ownNames.has(name) || name.startsWith('trellis-') || name.startsWith('access-control-')
    )
  }
}
