/**
 * Serves methods over HTTP with JSON: REST routes, and a path of its own for each method. Hot path: a request makes its exchange, its context and
 * its values, and nothing else.
 */

import { parseHttpPattern } from '../../contract/http-pattern.ts'
import { Router } from '../../contract/router.ts'
import { CallContext, deadlineExceeded } from '../../kernel/context.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Identity } from '../../kernel/identity.ts'
import type { Runtime } from '../../kernel/runtime.ts'
import { checkIdempotencyKey, idempotencyKey } from '../../resilience/idempotency-key.ts'
import type { Exchange, ExchangeHandler, Headers, Peer } from '../../wire/exchange.ts'
import { addressOf, clientAddress } from '../client-address.ts'
import { defaultTimeoutMs } from '../method.ts'
import { responseInfo } from '../response-info.ts'
import type { ServerMethod } from '../rpc.ts'
import { Refusal } from '../rpc.ts'
import type { RpcServer } from '../server.ts'
import { readerGone, serveUnary } from '../server.ts'
import type { CallHeaders } from './headers.ts'
import { readHeaders, readTimeout } from './headers.ts'
import { invalidPath, methodNotAllowed, unknownPath } from './misses.ts'
import { problemHeaders, problemText } from './problem.ts'
import type { RequestForm } from './request.ts'
import { JSON_TYPE, requestForm } from './request.ts'
import { internalRoute } from './route.ts'
import { statusOf } from './status.ts'
import { streamFormat, writeStream } from './stream.ts'

/** How methods are served. */
export interface HttpJsonOptions {
  /** Who asks, by the headers; undefined: nobody known. A fault it throws is the answer. Default: nobody is known. */
  readonly identify?: (headers: Headers, peer: Peer) => Identity | undefined | Promise<Identity | undefined>
  /** Put before each REST route, such as `/api`. Default: none. */
  readonly basePath?: string
  /** Whether methods are reached by their own paths, `POST /shop.orders.v1.Orders/Create`, too. Default: true; a gateway sets false. */
  readonly internalPaths?: boolean
  /** Bytes of a request's body. Default 1,048,576; beyond it 413. */
  readonly maxBodyBytes?: number
  /** Longest deadline that a caller may ask for in a unary call, in milliseconds. Default 300,000, so that nobody holds resources for ever. */
  readonly maxTimeoutMs?: number
  /** Milliseconds without an event after which SSE sends a comment, so that nobody in between takes the connection for dead. Default 15,000. */
  readonly heartbeatMs?: number
  /** Services that stand at the edge: what they say about the caller's address is believed. Default `['gateway']`. */
  readonly edges?: readonly string[]
  /** Sent with every answer, such as security headers. Default: none. */
  readonly headers?: Headers
  /** Answers what no route has. Default: 404 as a problem document. */
  readonly fallback?: ExchangeHandler
}

/** Methods served over HTTP. */
export interface HttpJsonHandler {
  readonly handle: ExchangeHandler
  /** Ends all running streams with `unavailable` / `SERVER_STOPPING`, so that their readers turn to another instance. */
  endStreams(): void
}

interface Route {
  readonly method: ServerMethod
  readonly form: RequestForm
}

/**
 * Makes the handler of an HTTP server. Throws a `TypeError` when two operations have one route.
 *
 * @example
 * const server = createHttpServer(runtime, { handler: createHttpJsonHandler(runtime, rpc).handle })
 */
export function createHttpJsonHandler(
  runtime: Runtime,
  server: RpcServer,
  options: HttpJsonOptions = {},
): HttpJsonHandler {
  const handler = new JsonHandler(runtime, server, options)
  return { handle: exchange => handler.handle(exchange), endStreams: () => handler.endStreams() }
}

const DEFAULT_MAX_BODY_BYTES = 1_048_576
const DEFAULT_MAX_TIMEOUT_MS = 300_000
const DEFAULT_HEARTBEAT_MS = 15_000

class JsonHandler implements HttpJsonHandler {
  readonly #runtime: Runtime
  readonly #router = new Router<Route>()
  readonly #identify: HttpJsonOptions['identify']
  readonly #maxBodyBytes: number
  readonly #maxTimeoutMs: number
  readonly #heartbeatMs: number
  readonly #edges: readonly string[]
  readonly #headers: Headers
  readonly #fallback: ExchangeHandler | undefined
  readonly #streams = new Set<CallContext>()

  constructor(runtime: Runtime, server: RpcServer, options: HttpJsonOptions) {
    this.#runtime = runtime
    this.#identify = options.identify
    this.#maxBodyBytes = options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES
    this.#maxTimeoutMs = options.maxTimeoutMs ?? DEFAULT_MAX_TIMEOUT_MS
    this.#heartbeatMs = options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS
    this.#edges = options.edges ?? ['gateway']
    this.#headers = options.headers ?? []
    this.#fallback = options.fallback
    for (const method of server.methods) this.#route(method, options)
  }

  #route(method: ServerMethod, { basePath = '', internalPaths = true }: HttpJsonOptions): void {
    const { http, kind } = method.operation
    if (kind === 'client-stream' || kind === 'bidi-stream') return // gRPC alone carries a stream of inputs
    const patterns = internalPaths ? [internalRoute(method.contract, method.name)] : []
    if (http !== undefined) {
      const space = http.indexOf(' ') + 1
      patterns.push(parseHttpPattern(`${http.slice(0, space)}${basePath}${http.slice(space)}`))
    }
    for (const pattern of patterns) this.#router.add(pattern, { method, form: requestForm(method, pattern) })
  }

  handle(exchange: Exchange): void {
    const { target } = exchange
    const mark = target.indexOf('?')
    const path = mark < 0 ? target : target.slice(0, mark)
    const found = this.#router.find(exchange.method === 'HEAD' ? 'GET' : exchange.method, path)
    switch (found.kind) {
      case 'found':
        // A stream has no end to announce, and HEAD would run it for nobody.
        if (exchange.method === 'HEAD' && found.value.method.operation.kind !== 'unary') {
          this.#notAllowed(exchange, 'GET, OPTIONS')
          return
        }
        this.#call(exchange, found.value, found.parameters, mark < 0 ? '' : target.slice(mark + 1))
        return
      case 'method-not-allowed':
        this.#otherMethod(exchange, found.methods)
        return
      case 'malformed':
        this.#fail(exchange, invalidPath())
        return
      case 'not-found':
        if (this.#fallback !== undefined) this.#fallback(exchange)
        else this.#fail(exchange, unknownPath())
    }
  }

  endStreams(): void {
    const fault = new Fault('unavailable', 'The service is stopping; connect again.', { reason: 'SERVER_STOPPING' })
    for (const ctx of this.#streams) ctx.cancel(fault)
  }

  #otherMethod(exchange: Exchange, methods: readonly string[]): void {
    const allow = (methods.includes('GET') ? [...methods, 'HEAD', 'OPTIONS'] : [...methods, 'OPTIONS']).join(', ')
    if (exchange.method === 'OPTIONS') {
      exchange.reply(204, ['allow', allow, ...this.#headers])
      return
    }
    this.#notAllowed(exchange, allow)
  }

  #notAllowed(exchange: Exchange, allow: string): void {
    this.#fail(exchange, methodNotAllowed(exchange.method, allow), ['allow', allow])
  }

  async #call(exchange: Exchange, route: Route, parameters: readonly string[], query: string): Promise<void> {
    let ctx: CallContext | undefined
    try {
      const headers = readHeaders(exchange.headers)
      let refused: unknown
      let identity: Identity | undefined
      try {
        const identified = this.#identify?.(exchange.headers, exchange.peer)
        identity = identified instanceof Promise ? await identified : identified
      } catch (error) {
        refused = error ?? new Error('identify threw nothing')
      }
      const started = this.#start(route.method, headers, identity, exchange.peer)
      ctx = started
      exchange.onClose(() => started.cancel(readerGone()))
      let input: unknown
      try {
        if (refused !== undefined) throw refused
        const body = this.#body(exchange, route.form, headers, started)
        input = this.#input(route, parameters, query, headers, body === undefined ? undefined : await body)
      } catch (error) {
        input = new Refusal(Fault.from(error))
      }
      if (route.method.operation.kind === 'unary') await this.#unary(exchange, route.method, input, started)
      else await this.#stream(exchange, route.method, input, started, headers)
    } catch (error) {
      const fault = Fault.from(error)
      ctx?.settle({ ok: false, fault })
      this.#fail(exchange, fault)
    }
  }

  #start({ operation }: ServerMethod, headers: CallHeaders, identity: Identity | undefined, peer: Peer): CallContext {
    const asked = readTimeout(headers.timeout)
    const unary = operation.kind === 'unary'
    const timeoutMs =
      asked === undefined ? defaultTimeoutMs(operation) : unary ? Math.min(asked, this.#maxTimeoutMs) : asked
    const ctx = new CallContext(this.#runtime, {
      identity,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(headers.trace === undefined ? {} : { trace: headers.trace }),
      ...(headers.baggage === undefined ? {} : { baggage: headers.baggage }),
    })
    ctx.set(clientAddress, addressOf(identity, headers.clientAddress, peer, this.#edges))
    if (operation.statuses.length > 1) ctx.set(responseInfo, {})
    return ctx
  }

  /** Checks what can be checked before the body is read; then its reading, or undefined when there is none. */
  #body(
    exchange: Exchange,
    form: RequestForm,
    headers: CallHeaders,
    ctx: CallContext,
  ): Promise<Uint8Array> | undefined {
    if (ctx.cancelled !== undefined) throw deadlineExceeded()
    if (headers.idempotencyKey !== undefined) ctx.set(idempotencyKey, checkIdempotencyKey(headers.idempotencyKey))
    if (!headers.hasBody) return undefined
    checkBody(form, headers)
    return exchange.readAll(this.#maxBodyBytes)
  }

  #input(
    { form, method }: Route,
    parameters: readonly string[],
    query: string,
    headers: CallHeaders,
    body: Uint8Array | undefined,
  ): unknown {
    if (body !== undefined && body.byteLength > 0 && !isJson(headers.contentType))
      throw unsupported(headers.contentType)
    const resumeAfter = method.operation.sse?.resume === undefined ? undefined : headers.lastEventId
    return form.read(parameters, query, body, resumeAfter)
  }

  async #unary(exchange: Exchange, method: ServerMethod, input: unknown, ctx: CallContext): Promise<void> {
    const output = await serveUnary(method, input, ctx)
    const status = answerStatus(method, ctx)
    if (status === 204) exchange.reply(204, this.#headers)
    else exchange.reply(status, ['content-type', JSON_TYPE, ...this.#headers], JSON.stringify(output))
  }

  async #stream(
    exchange: Exchange,
    method: ServerMethod,
    input: unknown,
    ctx: CallContext,
    headers: CallHeaders,
  ): Promise<void> {
    const format = streamFormat(headers.accept)
    this.#streams.add(ctx)
    try {
      await writeStream(this.#runtime, exchange, method, input, ctx, {
        format,
        resumed: headers.lastEventId !== undefined,
        heartbeatMs: this.#heartbeatMs,
        headers: this.#headers,
      })
    } finally {
      this.#streams.delete(ctx)
    }
  }

  #fail(exchange: Exchange, fault: Fault, headers: Headers = []): void {
    const status = statusOf(fault.code, fault.reason)
    exchange.reply(status, [...problemHeaders(fault), ...headers, ...this.#headers], problemText(fault))
  }
}

/** What is wrong with a body is said before it is read. */
function checkBody(form: RequestForm, { contentType, contentEncoding }: CallHeaders): void {
  if (!form.pattern.hasBody) {
    throw new Fault('invalid_argument', `${form.pattern.method} takes no body; put its parameters into the query.`, {
      reason: 'UNEXPECTED_BODY',
    })
  }
  if (contentEncoding !== undefined && contentEncoding !== 'identity') {
    throw new Fault('invalid_argument', 'The body is encoded; send it as it is.', { reason: 'UNSUPPORTED_MEDIA_TYPE' })
  }
  if (contentType !== undefined && !isJson(contentType)) throw unsupported(contentType)
}

const JSON_CONTENT = /^application\/json[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i

function isJson(contentType: string | undefined): boolean {
  return contentType === JSON_TYPE || (contentType !== undefined && JSON_CONTENT.test(contentType))
}

function unsupported(contentType: string | undefined): Fault {
  const sent = contentType === undefined ? 'The body has no content-type' : 'The content-type is not served here'
  return new Fault('invalid_argument', `${sent}; send ${JSON_TYPE}.`, { reason: 'UNSUPPORTED_MEDIA_TYPE' })
}

function answerStatus({ contract, name, operation }: ServerMethod, ctx: CallContext): number {
  const chosen = operation.statuses.length > 1 ? ctx.get(responseInfo)?.status : undefined
  if (chosen === undefined || operation.statuses.includes(chosen)) return chosen ?? operation.status
  throw new Fault('internal', 'The answer has a status that its contract does not declare.', {
    reason: 'INVALID_OUTPUT',
    cause: new TypeError(`${contract.name}/${name} answered ${chosen}; it declares ${operation.statuses.join(', ')}.`),
  })
}
