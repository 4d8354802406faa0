/**
 * Receives requests: sorts their headers, finds out who asks, gives them a deadline and a trace, and runs them through the chain of their place. Hot: nothing is
 * waited for that is known already.
 */
import type { ContextOptions } from '../kernel/context.ts'
import { CallContext } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { Identity } from '../kernel/identity.ts'
import type { Runtime } from '../kernel/runtime.ts'
import { readerGone } from '../rpc/server.ts'
import type { Identify } from '../security/security.ts'
import { networkOf } from '../security/throttle.ts'
import type { Exchange } from '../wire/exchange.ts'
import { clientBehind } from './client.ts'
import type { Cors } from './cors.ts'
import { type Foregone, Passage } from './passage.ts'
import type { Place } from './place.ts'
import { RequestHeaders } from './request-headers.ts'
import { Streams } from './streams.ts'

/** What requests are received by. */
export interface DoorOptions {
  readonly identify: Identify
  readonly trustedProxies: number
  readonly maxTimeoutMs: number
  readonly maxStreamsPerCaller: number
  readonly trace: 'continue' | 'restart'
  readonly cors: Cors | undefined
}

const OK = Object.freeze({ ok: true as const })

/** The one way in. */
export class Door {
  readonly #runtime: Runtime
  readonly #options: DoorOptions
  readonly #streams: Streams

  constructor(runtime: Runtime, options: DoorOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#streams = new Streams(options.maxStreamsPerCaller)
  }

  /** Runs a request at its place; it is always answered. */
  receive(exchange: Exchange, place: Place, foregone?: Foregone): void {
    const { trustedProxies, cors } = this.#options
    const request = new RequestHeaders(exchange.headers)
    const { peer } = exchange
    const client = { address: clientBehind(peer, request.forwardedFor, trustedProxies) }
    const passage = new Passage(exchange, request, place.rules, client)
    if (cors !== undefined) passage.answerHeaders = cors.answer(request.origin)
    passage.foregone = foregone
    if (!place.identified) {
      this.#start(exchange, place, passage, undefined)
      return
    }
    let identity: Identity | undefined | Promise<Identity | undefined>
    try {
      identity = this.#options.identify(exchange.headers)
    } catch (error) {
      this.#start(exchange, place, passage, undefined, error ?? new Error('identify threw nothing'))
      return
    }
    if (identity instanceof Promise) {
      identity.then(
        known => this.#start(exchange, place, passage, known),
        (error: unknown) =>
          this.#start(exchange, place, passage, undefined, error ?? new Error('identify threw nothing')),
      )
    } else this.#start(exchange, place, passage, identity)
  }

  /** Cancels all running streams. */
  endStreams(fault: Fault): void {
    this.#streams.end(fault)
  }

  #start(
    exchange: Exchange,
    place: Place,
    passage: Passage,
    identity: Identity | undefined,
    unidentified?: unknown,
  ): void {
    if (unidentified !== undefined) passage.foregone = { fault: Fault.from(unidentified), headers: [] }
    const ctx = this.#context(place, passage, identity)
    exchange.onClose(() => ctx.cancel(readerGone()))
    if (place.target.streaming === true) {
      const fault = this.#streams.enter(callerOf(identity, passage), ctx)
      if (fault !== undefined) passage.foregone ??= { fault, headers: [] }
    }
    void this.#run(place, passage, ctx)
  }

  #context(place: Place, passage: Passage, identity: Identity | undefined): CallContext {
    const { request } = passage
    const options: { -readonly [Name in keyof ContextOptions]: ContextOptions[Name] } = { identity }
    let timeoutMs = place.timeoutMs
    try {
      const asked = request.timeoutMs
      if (asked !== undefined) timeoutMs = Math.min(asked, Math.max(this.#options.maxTimeoutMs, timeoutMs ?? 0))
    } catch (error) {
      passage.foregone ??= { fault: Fault.from(error), headers: [] }
    }
    if (timeoutMs !== undefined) options.timeoutMs = timeoutMs
    if (this.#options.trace === 'continue') {
      const { trace, baggage } = request
      if (trace !== undefined) options.trace = trace
      if (baggage !== undefined) options.baggage = baggage
    }
    return new CallContext(this.#runtime, options)
  }

  async #run(place: Place, passage: Passage, ctx: CallContext): Promise<void> {
    try {
      await place.handler(passage, ctx)
      ctx.settle(OK)
    } catch (error) {
      const fault = Fault.from(error)
      ctx.settle({ ok: false, fault })
      if (!passage.answered) passage.fail(fault, passage.foregone?.headers)
      else passage.abort() // nothing happens when the answer was complete
    }
  }
}

/** Whom to count by: who is signed in wherever they are, anybody else where they are. */
function callerOf(identity: Identity | undefined, passage: Passage): string {
  return identity === undefined ? networkOf(passage.peer.address) : `${identity.kind}:${identity.subject}`
}
