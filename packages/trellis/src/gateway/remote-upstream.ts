/**
 * A service in other processes. A request goes to one of its instances; to another one when nothing was sent, or when it may be repeated and nothing was answered.
 * Small bodies are held, so that they can be sent again; larger ones, and answers of unknown length, pass piece by piece at the pace of the slower side.
 */
import type { Directory, ServiceDirectory } from '../discovery/directory.ts'
import type { Pick } from '../discovery/discovery.ts'
import type { Context } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { Runtime } from '../kernel/runtime.ts'
import type { RetryBudgetOptions } from '../resilience/retry-budget.ts'
import { RetryBudget } from '../resilience/retry-budget.ts'
import type { Exchange, OutgoingRequest } from '../wire/exchange.ts'
import { header } from '../wire/exchange.ts'
import type { HttpClient } from '../wire/http1/client.ts'
import { type Answer, relay } from './relay.ts'
import type { Upstream } from './upstream.ts'

/** What requests to a service are sent with. */
export interface RemoteUpstreamOptions {
  readonly service: string
  readonly directory: Directory
  readonly http: HttpClient
  /** How many requests may be repeated that may have been carried out. Default: a fifth of all. */
  readonly budget?: RetryBudgetOptions
}

/** Bodies up to this many bytes are held whole: nearly all of an API's, at little memory. */
const HELD_BYTES = 65_536
const MAX_ATTEMPTS = 3
/** A restarted process is back within a second. */
const RETRY_AFTER_MS = 1_000

/**
 * Sends the requests of a service to its instances.
 *
 * @example
 * createGateway(runtime, { routes, identify, upstream: service => remoteUpstream(runtime, { service, directory, http }) })
 */
export function remoteUpstream(runtime: Runtime, options: RemoteUpstreamOptions): Upstream {
  return new RemoteUpstream(runtime, options)
}

class RemoteUpstream implements Upstream {
  readonly #runtime: Runtime
  readonly #options: RemoteUpstreamOptions
  readonly #budget: RetryBudget
  #entry: ServiceDirectory | undefined

  constructor(runtime: Runtime, options: RemoteUpstreamOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#budget = new RetryBudget(options.budget)
  }

  async forward(exchange: Exchange, ctx: Context, repeatable: boolean): Promise<void> {
    this.#budget.deposit()
    const body = await requestBody(exchange)
    const request = outgoing(exchange, ctx, body)
    const held = body === undefined || body instanceof Uint8Array
    let avoid: Set<string> | undefined
    for (let attempt = 1; ; attempt++) {
      const pick = await this.#pick(avoid)
      let answer: Answer
      try {
        answer = await this.#ask(pick, request)
      } catch (error) {
        const fault = Fault.from(error)
        pick.done({ ok: false, fault })
        // The caller has gone, or the deadline has passed; or it was the caller's own body that could not be read.
        if (ctx.cancelled !== undefined) throw ctx.cancelled
        if (!CONNECTION_REASONS.has(fault.reason)) throw fault
        const again = avoid?.has(pick.instance.id) === true
        avoid ??= new Set()
        avoid.add(pick.instance.id)
        const unsent = held && fault.reason === 'CONNECT_FAILED'
        const lost = held && repeatable && fault.reason === 'CONNECTION_LOST'
        if (again || attempt === MAX_ATTEMPTS || !(unsent || (lost && this.#budget.withdraw(this.#runtime.clock)))) {
          throw this.#away(fault)
        }
        continue
      }
      await report(pick, relay(exchange, answer))
      return
    }
  }

  async check(): Promise<void> {
    const { instances } = await this.#find()
    if (instances.length === 0) throw this.#away(undefined)
  }

  /** The head of an answer, and its body where that is small: an instance that dies before is one that has not answered. */
  async #ask({ instance }: Pick, request: OutgoingRequest): Promise<Answer> {
    const response = await this.#options.http.request(instance.address, request)
    const length = header(response.headers, 'content-length')
    const small = length !== undefined && Number(length) <= HELD_BYTES && request.method !== 'HEAD'
    return { response, body: small ? await response.readAll(HELD_BYTES) : undefined }
  }

  async #pick(avoid: ReadonlySet<string> | undefined): Promise<Pick> {
    const entry = this.#entry ?? (await this.#find())
    try {
      return entry.pick(avoid)
    } catch (error) {
      throw this.#away(Fault.from(error))
    }
  }

  async #find(): Promise<ServiceDirectory> {
    const { directory, service } = this.#options
    try {
      this.#entry ??= await directory.service(service)
      return this.#entry
    } catch (error) {
      throw this.#away(Fault.from(error))
    }
  }

  /** What the world hears: addresses and ports inside are none of its business. */
  #away(cause: Fault | undefined): Fault {
    const { service } = this.#options
    return new Fault(
      'unavailable',
      `The service ${service} can't be reached at the moment; try again a little later.`,
      {
        reason: 'SERVICE_UNAVAILABLE',
        retryAfterMs: RETRY_AFTER_MS,
        cause,
      },
    )
  }
}

/** What can be wrong with the way to an instance. */
const CONNECTION_REASONS: ReadonlySet<string> = new Set([
  'CONNECT_FAILED',
  'CONNECTION_LOST',
  'MALFORMED_RESPONSE',
  'CLIENT_CLOSED',
])

async function requestBody(exchange: Exchange): Promise<OutgoingRequest['body']> {
  const length = header(exchange.headers, 'content-length')
  if (length === undefined)
    return header(exchange.headers, 'transfer-encoding') === undefined ? undefined : exchange.chunks()
  if (length === '0') return undefined
  return Number(length) <= HELD_BYTES ? exchange.readAll(HELD_BYTES) : exchange.chunks()
}

/** The frame of the body is the client's to say: a body that is held has a length, any other comes in chunks. */
function outgoing(exchange: Exchange, ctx: Context, body: OutgoingRequest['body']): OutgoingRequest {
  const headers: string[] = []
  for (let index = 0; index < exchange.headers.length; index += 2) {
    const name = exchange.headers[index] as string
    if (name === 'content-length' || name === 'transfer-encoding') continue
    headers.push(name, exchange.headers[index + 1] as string)
  }
  const request = { method: exchange.method, target: exchange.target, headers, signal: ctx.signal }
  return body === undefined ? request : { ...request, body }
}

/** Tells the balancer how it went, once the whole answer has passed. */
async function report(pick: Pick, relayed: Promise<void>): Promise<void> {
  try {
    await relayed
    pick.done({ ok: true })
  } catch (error) {
    pick.done({ ok: false, fault: Fault.from(error) })
    throw error
  }
}
