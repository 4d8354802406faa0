/** W3C Trace Context and Baggage (https://www.w3.org/TR/trace-context/, https://www.w3.org/TR/baggage/). */
import type { Random } from './runtime.ts'

/** Where in a distributed trace something happens. Ids are lower-case hexadecimal. */
export interface TraceContext {
  /** 32 digits. */
  readonly traceId: string
  /** 16 digits: the current span. */
  readonly spanId: string
  /** 16 digits: the span that caused the current one; absent at the root. */
  readonly parentSpanId?: string
  /** Whether the trace is recorded. */
  readonly sampled: boolean
  /** `tracestate`, forwarded unchanged. */
  readonly state?: string
  /** The span is another process's, which has already decided whether the trace is recorded. */
  readonly remote?: boolean
}

/** User-defined pairs that travel with the call. */
export type Baggage = Readonly<Record<string, string>>

/** No pairs, as nearly every call has. */
export const NO_BAGGAGE: Baggage = Object.freeze({})

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
/** What nearly every request says. A test and three slices cost a fifth of a match with groups, and every request pays it twice. */
const COMMON = /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/
const ONE = 0x31
const PRINTABLE = /^[\t\x20-\x7e]+$/
const BAGGAGE_KEY = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const ZERO_TRACE = '0'.repeat(32)
const ZERO_SPAN = '0'.repeat(16)
/** Largest `tracestate` that is forwarded, in characters; longer ones are dropped, as the specification permits. */
const MAX_STATE = 512
const MAX_BAGGAGE_PAIRS = 64
const MAX_BAGGAGE_LENGTH = 8192

/** Starts a new trace. */
export function newTrace(random: Random, sampled = true): TraceContext {
  const ids = randomHex(random, 24)
  const traceId = ids.slice(0, 32)
  const spanId = ids.slice(32)
  // All zeros is the one value that the specification forbids.
  return traceId === ZERO_TRACE || spanId === ZERO_SPAN ? newTrace(random, sampled) : { traceId, spanId, sampled }
}

/** A new span below `parent` in the same trace. */
export function childSpan(parent: TraceContext, random: Random): TraceContext {
  const spanId = randomHex(random, 8)
  if (spanId === ZERO_SPAN) return childSpan(parent, random)
  const child = {
    traceId: parent.traceId,
    spanId,
    parentSpanId: parent.spanId,
    sampled: parent.sampled,
  }
  return parent.state === undefined ? child : { ...child, state: parent.state }
}

/** Reads `traceparent` and `tracestate`; undefined when malformed, so that a new trace is started as the specification asks. */
export function parseTraceparent(traceparent: string, tracestate?: string): TraceContext | undefined {
  if (tracestate === undefined && COMMON.test(traceparent)) {
    const traceId = traceparent.slice(3, 35)
    const spanId = traceparent.slice(36, 52)
    if (traceId === ZERO_TRACE || spanId === ZERO_SPAN) return undefined
    return { traceId, spanId, sampled: traceparent.charCodeAt(54) === ONE, remote: true }
  }
  const match = TRACEPARENT.exec(traceparent)
  if (match === null) return undefined
  const [, version, traceId, spanId, flags, rest] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string?,
  ]
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (traceId === ZERO_TRACE || spanId === ZERO_SPAN) return undefined
  const sampled = (Number.parseInt(flags, 16) & 1) === 1
  const state = tracestate?.trim()
  // Written into a header again, so it must not be able to end one.
  return state === undefined || state.length > MAX_STATE || !PRINTABLE.test(state)
    ? { traceId, spanId, sampled, remote: true }
    : { traceId, spanId, sampled, remote: true, state }
}

/** The `traceparent` value of a trace context, version 00. */
export function formatTraceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.sampled ? '01' : '00'}`
}

/** Reads a `baggage` value. Malformed pairs are skipped, properties dropped; at most 64 pairs are taken, and none of a value over 8,192 characters. */
export function parseBaggage(value: string): Baggage {
  const baggage: Record<string, string> = Object.create(null)
  if (value.length > MAX_BAGGAGE_LENGTH) return baggage
  for (const pair of value.split(',').slice(0, MAX_BAGGAGE_PAIRS)) {
    const [assignment = ''] = pair.split(';', 1)
    const equals = assignment.indexOf('=')
    const key = assignment.slice(0, equals).trim()
    if (equals < 1 || !BAGGAGE_KEY.test(key)) continue
    try {
      baggage[key] = decodeURIComponent(assignment.slice(equals + 1).trim())
    } catch (error) {
      // A stray percent sign: the pair is unreadable, the others are not.
      if (!(error instanceof URIError)) throw error
    }
  }
  return baggage
}

/**
 * The `baggage` value of a set of pairs; undefined when there is none. What exceeds 64 pairs or 8,192 characters is left out, since the next
 * hop would drop all of it. A key that is not a token (RFC 9110, section 5.6.2) is a `TypeError`.
 */
export function formatBaggage(baggage: Baggage): string | undefined {
  if (baggage === NO_BAGGAGE) return undefined
  const pairs: string[] = []
  let length = 0
  for (const [key, value] of Object.entries(baggage)) {
    if (!BAGGAGE_KEY.test(key)) {
      throw new TypeError(`The baggage key ${JSON.stringify(key)} cannot be sent; use letters, digits and "-_.".`)
    }
    const pair = `${key}=${encodeURIComponent(value.toWellFormed())}`
    if (length + pair.length > MAX_BAGGAGE_LENGTH) continue
    if (pairs.push(pair) === MAX_BAGGAGE_PAIRS) break
    length += pair.length + 1
  }
  return pairs.length === 0 ? undefined : pairs.join(',')
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function randomHex(random: Random, length: number): string {
  const bytes = random.bytes(length)
  let text = ''
  for (let index = 0; index < length; index++) text += HEX[bytes[index] as number]
  return text
}
