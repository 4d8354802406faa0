/** Calls over HTTP with JSON: each by its REST route, or by its own path when it has none. */
import type { Pick } from '../../discovery/discovery.ts'
import type { Context, Outcome } from '../../kernel/context.ts'
import { deadlineExceeded, remainingMs, throwIfCancelled, untilCancelled } from '../../kernel/context.ts'
import { Fault, isFault } from '../../kernel/fault.ts'
import type { Handler } from '../../kernel/handler.ts'
import type { Address } from '../../kernel/runtime.ts'
import { attemptedInstances } from '../../resilience/attempted-instances.ts'
import { parseJson } from '../../schema/json.ts'
import { validator } from '../../schema/validator.ts'
import type { Headers, IncomingResponse } from '../../wire/exchange.ts'
import type { HttpClient } from '../../wire/http1/client.ts'
import { streamedInput } from '../method.ts'
import { responseInfo } from '../response-info.ts'
import type { Method, Transport } from '../rpc.ts'
import { writeHeaders } from './headers.ts'
import { readNdjson } from './ndjson.ts'
import { fromProblem, fromStatus } from './problem.ts'
import { JSON_TYPE, requestForm } from './request.ts'
import { routeOf } from './route.ts'

/** Chooses where a call goes. `avoid` holds the ids of instances that already failed this call. Throws `unavailable` when there is none. */
export type Resolve = (method: Method, ctx: Context, avoid: ReadonlySet<string>) => Pick | Promise<Pick>

/** How calls are sent. */
export interface HttpJsonTransportOptions {
  readonly resolve: Resolve
  /** More headers for a call, such as the credentials of the service. Default: the caller's bearer token, when its identity holds one. */
  readonly headers?: (ctx: Context, method: Method) => Headers | Promise<Headers>
  /** Bytes of an answer, and of an item of a stream. Default 16,777,216. */
  readonly maxResponseBytes?: number
  /** Put before each REST route, such as `/api` to call through a gateway. Default: none. */
  readonly basePath?: string
}

const DEFAULT_MAX_RESPONSE_BYTES = 16_777_216
/** How many instances are tried when none can be connected to; nothing is sent before that, so that it is no retry. */
const MAX_CONNECTS = 3
const NO_INSTANCES: ReadonlySet<string> = new Set()

/**
 * A transport over HTTP.
 *
 * @example
 * const transport = createHttpJsonTransport(createHttpClient(runtime), { resolve: fixedAddress({ host: '127.0.0.1', port: 4001 }) })
 * const users = createClient(runtime, Users, { transport })
 */
export function createHttpJsonTransport(http: HttpClient, options: HttpJsonTransportOptions): Transport {
  return { handler: method => methodHandler(http, method, options) }
}

/** Sends every call to one address. */
export function fixedAddress(address: Address): Resolve {
  const id = `${address.host}:${address.port}`
  const pick: Pick = { instance: { id, service: '', address, metadata: {} }, done: () => undefined }
  return () => pick
}

function methodHandler(http: HttpClient, method: Method, options: HttpJsonTransportOptions): Handler<unknown, unknown> {
  const { operation } = method
  if (operation.kind === 'client-stream' || operation.kind === 'bidi-stream') {
    return () => Promise.reject(streamedInput(method))
  }
  const unary = operation.kind === 'unary'
  const form = requestForm(method, routeOf(method))
  const basePath = operation.http === undefined ? '' : (options.basePath ?? '')
  const check = validator(operation.output, { side: 'output' })
  const maxBytes = options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES
  const credentials = options.headers ?? bearer
  return async (input, ctx) => {
    throwIfCancelled(ctx)
    if (remainingMs(ctx) === 0) throw deadlineExceeded()
    const { target, body } = form.write((input ?? {}) as Record<string, unknown>)
    const headers = [
      'accept',
      unary ? JSON_TYPE : 'application/x-ndjson',
      ...(await inTime(ctx, credentials(ctx, method))),
    ]
    if (body !== undefined) headers.push('content-type', JSON_TYPE)
    writeHeaders(headers, ctx)
    const request = { method: form.pattern.method, target: basePath + target, headers, signal: ctx.signal }
    const sent = body === undefined ? request : { ...request, body }
    const { pick, response } = await connect(http, method, ctx, options.resolve, sent)
    const report = new Report(pick)
    try {
      if (response.status >= 300) throw await readFault(response, maxBytes)
      if (!unary) return items(response, maxBytes, check, report)
      const asked = ctx.get(responseInfo)
      if (asked !== undefined) asked.status = response.status
      const answer = check(readAnswer(await response.readAll(maxBytes)))
      report.done({ ok: true })
      return answer
    } catch (error) {
      throw report.failed(error)
    }
  }
}

type Sent = Parameters<HttpClient['request']>[1]

/** Sends a request to an instance; to another one when the first can't be connected to. */
async function connect(
  http: HttpClient,
  method: Method,
  ctx: Context,
  resolve: Resolve,
  request: Sent,
): Promise<{ pick: Pick; response: IncomingResponse }> {
  const shared = ctx.get(attemptedInstances)
  let avoid: Set<string> | undefined = shared
  for (let connects = 1; ; connects++) {
    const pick = await inTime(ctx, resolve(method, ctx, avoid ?? NO_INSTANCES))
    try {
      return { pick, response: await http.request(pick.instance.address, request) }
    } catch (error) {
      const fault = Fault.from(error)
      pick.done({ ok: false, fault })
      const again = avoid?.has(pick.instance.id) === true
      avoid ??= new Set()
      avoid.add(pick.instance.id)
      if (again || connects === MAX_CONNECTS || !isFault(error, 'CONNECT_FAILED')) throw fault
    }
  }
}

/** What the call waits for before it is sent takes no longer than the call. */
function inTime<T>(ctx: Context, value: T | Promise<T>): T | Promise<T> {
  return value instanceof Promise ? untilCancelled(ctx, value) : value
}

/** Tells the balancer once how the call went. */
class Report {
  readonly #pick: Pick
  #told = false

  constructor(pick: Pick) {
    this.#pick = pick
  }

  done(outcome: Outcome): void {
    if (this.#told) return
    this.#told = true
    this.#pick.done(outcome)
  }

  failed(error: unknown): Fault {
    const fault = Fault.from(error)
    this.done({ ok: false, fault })
    return fault
  }
}

async function* items(
  response: IncomingResponse,
  maxBytes: number,
  check: (value: unknown) => unknown,
  report: Report,
): AsyncGenerator<unknown> {
  try {
    for await (const item of readNdjson(response.chunks(), maxBytes)) yield check(item)
  } catch (error) {
    throw report.failed(error)
  } finally {
    report.done({ ok: true })
    response.close()
  }
}

/** An empty body stands for an output without members. */
function readAnswer(body: Uint8Array): unknown {
  return body.byteLength === 0 ? {} : parseJson(body)
}

async function readFault(response: IncomingResponse, maxBytes: number): Promise<Fault> {
  const body = await response.readAll(maxBytes)
  try {
    return fromProblem(parseJson(body)) ?? fromStatus(response.status, response.headers)
  } catch (error) {
    if (isFault(error, 'INVALID_JSON')) return fromStatus(response.status, response.headers)
    throw error
  }
}

function bearer(ctx: Context): Headers {
  const token = ctx.identity?.token
  return token === undefined ? [] : ['authorization', `Bearer ${token}`]
}
