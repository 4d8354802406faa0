/**
 * What of a caller's headers goes on to a service. Hot: one pass, one list. Whatever only the platform itself may say (`trellis-*`, who forwarded for whom) is
 * dropped here, so that nobody outside can say it.
 */

import type { Baggage, TraceContext } from '../kernel/trace.ts'
import { parseBaggage, parseTraceparent } from '../kernel/trace.ts'
import { readTimeout } from '../rpc/http-json/headers.ts'
import type { Headers } from '../wire/exchange.ts'
import { header } from '../wire/exchange.ts'

/** A caller's headers, sorted. */
export class RequestHeaders {
  /** What goes on as it is. */
  readonly forwarded: string[] = []
  timeout: string | undefined
  contentLength: string | undefined
  host: string | undefined
  origin: string | undefined
  forwardedFor: string | undefined
  forwardedProto: string | undefined
  #traceparent: string | undefined
  #tracestate: string | undefined
  #baggage: string | undefined

  constructor(headers: Headers) {
    let nominated: string | undefined
    for (let index = 0; index < headers.length; index += 2) {
      const name = headers[index] as string
      const value = headers[index + 1] as string
      switch (name) {
        case 'connection':
          if (!/^(keep-alive|close)$/i.test(value)) nominated = joined(nominated, value)
          break
        // Hop by hop (RFC 9110, section 7.6.1), or about this hop alone.
        case 'expect':
        case 'forwarded':
        case 'keep-alive':
        case 'te':
        case 'trailer':
        case 'upgrade':
        case 'via':
        case 'x-real-ip':
          break
        case 'host':
          this.host ??= value
          break
        case 'x-forwarded-for':
          this.forwardedFor = joined(this.forwardedFor, value)
          break
        case 'x-forwarded-proto':
          this.forwardedProto ??= value
          break
        case 'trellis-timeout-ms':
          this.timeout = value
          break
        case 'connect-timeout-ms':
          this.timeout ??= value
          break
        case 'traceparent':
          this.#traceparent ??= value
          break
        case 'tracestate':
          this.#tracestate = joined(this.#tracestate, value)
          break
        case 'baggage':
          this.#baggage = joined(this.#baggage, value)
          break
        default:
          if (name.startsWith('trellis-') || name.startsWith('x-forwarded-') || name.startsWith('proxy-')) break
          if (name === 'content-length') this.contentLength = value
          else if (name === 'origin') this.origin = value
          this.forwarded.push(name, value)
      }
    }
    if (nominated !== undefined) dropNominated(this.forwarded, nominated)
  }

  /** Whether the service will see one: a caller may have named it in `connection`, and a repetition would then act twice. */
  get hasIdempotencyKey(): boolean {
    return header(this.forwarded, 'idempotency-key') !== undefined
  }

  /** Where the caller's own trace is; undefined when it has none that can be read. */
  get trace(): TraceContext | undefined {
    return this.#traceparent === undefined ? undefined : parseTraceparent(this.#traceparent, this.#tracestate)
  }

  get baggage(): Baggage | undefined {
    return this.#baggage === undefined ? undefined : parseBaggage(this.#baggage)
  }

  /** Milliseconds that the caller allows. Throws `INVALID_TIMEOUT`. */
  get timeoutMs(): number | undefined {
    return readTimeout(this.timeout)
  }
}

function joined(known: string | undefined, value: string): string {
  return known === undefined ? value : `${known}, ${value}`
}

/** What a caller must not take out by naming it in `connection`: the body's frame, and its form. */
const KEPT: ReadonlySet<string> = new Set(['content-length', 'content-type', 'transfer-encoding'])

function dropNominated(headers: string[], nominated: string): void {
  const names = new Set(nominated.split(',').map(name => name.trim().toLowerCase()))
  let end = 0
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    if (names.has(name) && !KEPT.has(name)) continue
    headers[end++] = name
    headers[end++] = headers[index + 1] as string
  }
  headers.length = end
}
