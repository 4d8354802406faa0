/** Hot: what a service is told about a request, beside what its caller said. */
import type { Context } from '../kernel/context.ts'
import { remainingMs } from '../kernel/context.ts'
import type { Handler } from '../kernel/handler.ts'
import { formatBaggage, formatTraceparent } from '../kernel/trace.ts'
import { CLIENT_ADDRESS_HEADER } from '../rpc/client-address.ts'
import { SERVICE_TOKEN_HEADER } from '../security/identify.ts'
import type { Passage } from './passage.ts'
import type { Route } from './routes.ts'
import type { Upstream } from './upstream.ts'

/** How requests leave. */
export interface ForwardOptions {
  readonly basePath: string
  /** Whether proxies of one's own stand in front, whose word about protocol and client is passed on. */
  readonly proxied: boolean
  readonly serviceToken: (() => string | Promise<string>) | undefined
}

/** Passes the requests of a route on to its service. */
export function forwarder(route: Route, upstream: Upstream, options: ForwardOptions): Handler<Passage, void> {
  const { operation, maxBodyBytes } = route
  const always = operation.readonly || operation.idempotent === 'natural'
  const byKey = operation.idempotent === 'key'
  const { basePath, serviceToken } = options
  return async (passage, ctx) => {
    const { contentLength } = passage.request
    // Said before anything is read or passed on; the connection closes after the answer.
    if (contentLength !== undefined && Number(contentLength) > maxBodyBytes) await passage.readAll(maxBodyBytes)
    const token = serviceToken?.()
    passage.target = passage.target.slice(basePath.length)
    passage.headers = outgoing(passage, ctx, typeof token === 'object' ? await token : token, options.proxied)
    const going = upstream.forward(passage, ctx, always || (byKey && passage.request.hasIdempotencyKey))
    if (going !== undefined) await going
    await passage.settled()
  }
}

function outgoing(passage: Passage, ctx: Context, token: string | undefined, proxied: boolean): string[] {
  const { request, connection } = passage
  const headers = request.forwarded
  headers.push('traceparent', formatTraceparent(ctx.trace))
  if (ctx.trace.state !== undefined) headers.push('tracestate', ctx.trace.state)
  const baggage = formatBaggage(ctx.baggage)
  if (baggage !== undefined) headers.push('baggage', baggage)
  const timeoutMs = remainingMs(ctx)
  if (timeoutMs !== undefined) headers.push('trellis-timeout-ms', String(Math.ceil(timeoutMs)))
  if (token !== undefined) headers.push(SERVICE_TOKEN_HEADER, token)
  headers.push(CLIENT_ADDRESS_HEADER, passage.peer.address)
  const via = proxied && request.forwardedFor !== undefined ? `${request.forwardedFor}, ` : ''
  headers.push('x-forwarded-for', via + connection.address)
  headers.push('x-forwarded-proto', proxied && request.forwardedProto === 'https' ? 'https' : 'http')
  if (request.host !== undefined) headers.push('x-forwarded-host', request.host)
  return headers
}
