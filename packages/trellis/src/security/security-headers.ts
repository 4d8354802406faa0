import type { Headers } from '../wire/exchange.ts'

/** Options of the headers. */
export interface SecurityHeadersOptions {
  /** `content-security-policy`. `frame-ancestors 'none'` is added when it says nothing about it. Default: nothing may load, fit for an API. */
  readonly csp?: string
  /** The answer goes out over TLS: browsers are told to stay with it. Default false, since the header means nothing over plain HTTP. */
  readonly tls?: boolean
  /** For how long browsers stay with TLS, in seconds. Default 31,536,000 (a year). */
  readonly hstsMaxAgeS?: number
}

/**
 * Headers that make a browser careful, as a flat list to append to an answer's: policy of what may load, no guessing of content types, no referrer to others, no framing, no
 * sharing of windows and resources across origins. Made once, not per answer.
 */
export function securityHeaders(options: SecurityHeadersOptions = {}): Headers {
  const { csp = "default-src 'none'", tls = false, hstsMaxAgeS = 31_536_000 } = options
  if (/[^\t\x20-\x7e]/.test(csp)) throw new TypeError(`csp ${JSON.stringify(csp)}: use printable ASCII on one line.`)
  if (!Number.isInteger(hstsMaxAgeS) || hstsMaxAgeS < 0) {
    throw new RangeError(`hstsMaxAgeS is ${hstsMaxAgeS}; it must be whole seconds, 0 or more.`)
  }
  const policy = /(^|;)\s*frame-ancestors\s/i.test(csp) ? csp : `${csp}; frame-ancestors 'none'`
  const headers = [
    ['content-security-policy', policy],
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'strict-origin-when-cross-origin'],
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-resource-policy', 'same-origin'],
    ['permissions-policy', 'camera=(), geolocation=(), microphone=(), payment=()'],
  ]
  if (/frame-ancestors\s+'none'/i.test(policy)) headers.push(['x-frame-options', 'DENY'])
  if (tls) headers.push(['strict-transport-security', `max-age=${hstsMaxAgeS}; includeSubDomains`])
  return headers.flat()
}
