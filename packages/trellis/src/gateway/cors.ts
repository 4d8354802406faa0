import type { Headers } from '../wire/exchange.ts'
import type { CorsOptions } from './gateway.ts'

const REQUEST_HEADERS =
  'authorization, content-type, idempotency-key, last-event-id, trellis-timeout-ms, traceparent, tracestate, baggage'
const RESPONSE_HEADERS = 'retry-after, allow'
const DEFAULT_MAX_AGE_MS = 600_000
const ORIGIN = /^https?:\/\/[^/?#\s]+$/
const NONE: Headers = []

/** Tells browsers which pages of other origins may read the answers. Cookies are no credentials here, so that they are never allowed along. */
export class Cors {
  readonly #origins: ReadonlySet<string> | '*'
  readonly #maxAgeS: number

  constructor({ origins, maxAgeMs = DEFAULT_MAX_AGE_MS }: CorsOptions) {
    for (const origin of origins === '*' ? [] : origins) {
      if (!ORIGIN.test(origin)) {
        throw new TypeError(`'${origin}' is no origin; write scheme, host and port, such as 'https://shop.example'.`)
      }
    }
    this.#origins = origins === '*' ? '*' : new Set(origins)
    this.#maxAgeS = Math.floor(maxAgeMs / 1000)
  }

  /** For an answer to a request that came from `origin`. */
  answer(origin: string | undefined): Headers {
    const allowed = this.#allowed(origin)
    // Also when there is none: an answer kept by a cache must not serve another origin.
    const vary = this.#origins === '*' ? NONE : ['vary', 'origin']
    if (allowed === undefined) return vary
    return ['access-control-allow-origin', allowed, 'access-control-expose-headers', RESPONSE_HEADERS, ...vary]
  }

  /** For the question that a browser asks before it sends a request. */
  preflight(origin: string | undefined, methods: string): Headers {
    if (this.#allowed(origin) === undefined) return NONE
    return [
      'access-control-allow-methods',
      methods,
      'access-control-allow-headers',
      REQUEST_HEADERS,
      'access-control-max-age',
      String(this.#maxAgeS),
    ]
  }

  #allowed(origin: string | undefined): string | undefined {
    if (origin === undefined) return undefined
    if (this.#origins === '*') return '*'
    return this.#origins.has(origin) ? origin : undefined
  }
}
