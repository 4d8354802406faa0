/**
 * A request on its way through the gateway: to the service it is the exchange, with the headers that the service shall see, and the service's answer goes
 * out through it, with the headers that the world shall see. Hot: one object per request, which is its own body writer.
 */
import { Fault } from '../kernel/fault.ts'
import { fromProblem, fromStatus, problemHeaders, problemText } from '../rpc/http-json/problem.ts'
import { statusOf } from '../rpc/http-json/status.ts'
import { readerGone } from '../rpc/server.ts'
import { parseJson } from '../schema/json.ts'
import type { BodyWriter, Exchange, Headers, Peer } from '../wire/exchange.ts'
import { header } from '../wire/exchange.ts'
import { limitedBody } from './limited-body.ts'
import type { RequestHeaders } from './request-headers.ts'
import type { ResponseHeaders } from './response-headers.ts'

/** What a passage is bound by. */
export interface PassageRules {
  readonly maxBodyBytes: number
  readonly responseHeaders: ResponseHeaders
}

/** What is settled about an answer before the chain that logs and measures the request has run. */
export interface Foregone {
  /** Why the request goes no further; thrown within the chain. */
  readonly fault: Fault | undefined
  /** What the answer says beside. */
  readonly headers: Headers
}

/** One request, and the way back for its answer. */
export class Passage implements Exchange, BodyWriter {
  readonly method: string
  /** What the service shall see; set before the request goes on. */
  target: string
  headers: Headers
  peer: Peer
  foregone: Foregone | undefined
  readonly request: RequestHeaders
  /** For the answer of this request alone, such as what CORS asks for. */
  answerHeaders: Headers = NONE
  readonly #outer: Exchange
  readonly #rules: PassageRules
  #writer: BodyWriter | undefined
  #answered = false
  #over = false
  #fault: Fault | undefined
  #resolve: (() => void) | undefined
  #reject: ((fault: Fault) => void) | undefined

  /** `client`: whom the service shall take for the other end. */
  constructor(outer: Exchange, request: RequestHeaders, rules: PassageRules, client: Peer) {
    this.method = outer.method
    this.target = outer.target
    this.headers = outer.headers
    this.peer = client
    this.request = request
    this.#outer = outer
    this.#rules = rules
  }

  /** The other end of the connection itself: the caller, or a proxy in front. */
  get connection(): Peer {
    return this.#outer.peer
  }

  /** Whether an answer has begun. */
  get answered(): boolean {
    return this.#answered
  }

  /** Resolves when the whole answer was handed over; rejects with its fault when it is one, or with `cancelled` when the caller left before its end. */
  settled(): Promise<void> {
    if (this.#over) return this.#fault === undefined ? DONE : Promise.reject(this.#fault)
    return new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  readAll(maxBytes: number): Promise<Uint8Array> {
    return this.#outer.readAll(Math.min(maxBytes, this.#rules.maxBodyBytes))
  }

  chunks(): AsyncIterable<Uint8Array> {
    return limitedBody(this.#outer.chunks(), this.#rules.maxBodyBytes)
  }

  reply(status: number, headers: Headers, body?: Uint8Array | string): void {
    this.#begin()
    if (status < 400) {
      this.#outer.reply(status, this.#rules.responseHeaders.of(headers, this.answerHeaders), body)
      this.#end(undefined)
      return
    }
    const problem = problemOf(headers, body)
    const fault = problem ?? fromStatus(status, headers)
    const [sent, text] = problem === undefined ? [problemHeaders(fault), problemText(fault)] : [headers, body]
    this.#outer.reply(status, this.#rules.responseHeaders.of(sent, this.answerHeaders), text)
    this.#end(fault)
  }

  /** Answers with a problem document. */
  fail(fault: Fault, headers: Headers = NONE): void {
    this.#begin()
    const all = [...problemHeaders(fault), ...headers]
    this.#outer.reply(
      statusOf(fault.code, fault.reason),
      this.#rules.responseHeaders.of(all, this.answerHeaders),
      problemText(fault),
    )
    this.#end(fault)
  }

  begin(status: number, headers: Headers): BodyWriter {
    this.#begin()
    this.#writer = this.#outer.begin(status, this.#rules.responseHeaders.sized(headers, this.answerHeaders))
    this.#outer.onClose(() => this.#end(readerGone()))
    if (status >= 400) this.#fault = fromStatus(status, headers)
    return this
  }

  onClose(listener: () => void): void {
    this.#outer.onClose(listener)
  }

  write(bytes: Uint8Array | string): boolean {
    return (this.#writer as BodyWriter).write(bytes)
  }

  drained(): Promise<void> {
    return (this.#writer as BodyWriter).drained()
  }

  end(trailers?: Headers): void {
    this.#writer?.end(trailers)
    this.#end(this.#fault)
  }

  abort(): void {
    this.#writer?.abort()
    this.#end(this.#fault ?? brokenOff())
  }

  #begin(): void {
    if (this.#answered) throw new TypeError('The exchange was already answered; call reply or begin once.')
    this.#answered = true
  }

  #end(fault: Fault | undefined): void {
    if (this.#over) return
    this.#over = true
    this.#fault = fault
    if (fault === undefined) this.#resolve?.()
    else this.#reject?.(fault)
  }
}

const NONE: Headers = []
const DONE = Promise.resolve()

/** The fault that an answer says it is; undefined when it is no problem document of the platform's. */
function problemOf(headers: Headers, body: Uint8Array | string | undefined): Fault | undefined {
  if (body === undefined || !header(headers, 'content-type')?.startsWith('application/problem+json')) return undefined
  try {
    return fromProblem(parseJson(typeof body === 'string' ? Buffer.from(body) : body))
  } catch {
    return undefined // Not JSON, whatever its type says.
  }
}

function brokenOff(): Fault {
  return new Fault('unavailable', 'The service went away in the middle of its answer; ask again.', {
    reason: 'ANSWER_BROKEN_OFF',
  })
}
