/** Which headers carry what a call has beside its input; read in one pass. */
import type { Context } from '../../kernel/context.ts'
import { remainingMs } from '../../kernel/context.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Baggage, TraceContext } from '../../kernel/trace.ts'
import { formatBaggage, formatTraceparent, parseBaggage, parseTraceparent } from '../../kernel/trace.ts'
import { idempotencyKey } from '../../resilience/idempotency-key.ts'
import type { Headers } from '../../wire/exchange.ts'
import { CLIENT_ADDRESS_HEADER } from '../client-address.ts'

/** What the headers of a request say about its call. */
export interface CallHeaders {
  contentType: string | undefined
  contentEncoding: string | undefined
  accept: string | undefined
  lastEventId: string | undefined
  idempotencyKey: string | undefined
  timeout: string | undefined
  clientAddress: string | undefined
  trace: TraceContext | undefined
  baggage: Baggage | undefined
  hasBody: boolean
}

/** Reads the headers of a request. Nothing here fails: what is malformed is found where it is used. */
export function readHeaders(headers: Headers): CallHeaders {
  const call: CallHeaders = {
    contentType: undefined,
    contentEncoding: undefined,
    accept: undefined,
    lastEventId: undefined,
    idempotencyKey: undefined,
    timeout: undefined,
    clientAddress: undefined,
    trace: undefined,
    baggage: undefined,
    hasBody: false,
  }
  let traceparent: string | undefined
  let tracestate: string | undefined
  let baggage: string | undefined
  for (let index = 0; index < headers.length; index += 2) {
    const value = headers[index + 1] as string
    switch (headers[index]) {
      case 'content-type':
        call.contentType ??= value
        break
      case 'content-encoding':
        call.contentEncoding ??= value
        break
      case 'content-length':
        if (value !== '0') call.hasBody = true
        break
      case 'transfer-encoding':
        call.hasBody = true
        break
      case 'accept':
        call.accept = call.accept === undefined ? value : `${call.accept},${value}`
        break
      case 'last-event-id':
        if (value !== '') call.lastEventId ??= value // empty is none (WHATWG HTML, section 9.2.4)
        break
      case 'idempotency-key':
        call.idempotencyKey ??= value
        break
      case 'trellis-timeout-ms':
        call.timeout = value
        break
      case 'connect-timeout-ms':
        call.timeout ??= value
        break
      case CLIENT_ADDRESS_HEADER:
        call.clientAddress = value
        break
      case 'traceparent':
        traceparent ??= value
        break
      case 'tracestate':
        tracestate = tracestate === undefined ? value : `${tracestate},${value}`
        break
      case 'baggage':
        baggage = baggage === undefined ? value : `${baggage},${value}`
        break
    }
  }
  if (traceparent !== undefined) call.trace = parseTraceparent(traceparent, tracestate)
  if (baggage !== undefined) call.baggage = parseBaggage(baggage)
  return call
}

/**
 * Milliseconds that a request allows; undefined when it does not say. Throws `invalid_argument` / `INVALID_TIMEOUT` for what is not a whole number
 * of at most ten digits.
 */
export function readTimeout(timeout: string | undefined): number | undefined {
  if (timeout === undefined) return undefined
  if (/^[0-9]{1,10}$/.test(timeout)) return Number(timeout)
  throw new Fault('invalid_argument', 'The timeout must be a whole number of milliseconds of at most ten digits.', {
    reason: 'INVALID_TIMEOUT',
  })
}

/** Appends what a call carries to the headers of its request. */
export function writeHeaders(headers: string[], ctx: Context): void {
  const { trace } = ctx
  headers.push('traceparent', formatTraceparent(trace))
  if (trace.state !== undefined) headers.push('tracestate', trace.state)
  const baggage = formatBaggage(ctx.baggage)
  if (baggage !== undefined) headers.push('baggage', baggage)
  const timeoutMs = remainingMs(ctx)
  // Rounded up: the caller's own deadline ends the call anyway, and 0 would be refused while there is time left.
  if (timeoutMs !== undefined) headers.push('trellis-timeout-ms', String(Math.ceil(timeoutMs)))
  const key = ctx.get(idempotencyKey)
  if (key !== undefined) headers.push('idempotency-key', key)
}
