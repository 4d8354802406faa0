/** Hot path: one object per request, no closures until someone asks for the body or for the end of the peer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault } from '../../kernel/fault.ts'
import type { Clock } from '../../kernel/runtime.ts'
import type { BodyWriter, Exchange, Headers, Peer } from '../exchange.ts'
import { header } from '../exchange.ts'
import { bodyTooLarge, collect, pieces } from './body.ts'
import type { Connection, RunningExchange } from './connection.ts'
import { lowerCaseNames } from './headers.ts'

const CLOSE: Headers = ['connection', 'close']

/** An exchange over `node:http`. */
export class NodeExchange implements Exchange, BodyWriter, RunningExchange {
  readonly method: string
  readonly target: string
  readonly headers: Headers
  /** The answer announces that the connection closes after it. */
  closing = false
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #connection: Connection
  readonly #clock: Clock
  #answered = false
  #gone = false
  #stalledAt: number | undefined
  #listeners: (() => void)[] | undefined
  #waiting: (() => void)[] | undefined

  constructor(request: IncomingMessage, response: ServerResponse, connection: Connection, clock: Clock) {
    this.method = request.method as string
    this.target = originForm(request.url as string)
    this.headers = lowerCaseNames(request.rawHeaders)
    this.#request = request
    this.#response = response
    this.#connection = connection
    this.#clock = clock
  }

  get peer(): Peer {
    return { address: this.#request.socket.remoteAddress ?? '' }
  }

  /** Whether the whole request has arrived. */
  get received(): boolean {
    return this.#request.complete
  }

  /** How long the reader has let the response wait, in milliseconds. */
  stalledMs(now: number): number {
    return this.#stalledAt === undefined ? 0 : now - this.#stalledAt
  }

  readAll(maxBytes: number): Promise<Uint8Array> {
    const declared = header(this.headers, 'content-length')
    if (declared !== undefined && Number(declared) > maxBytes) {
      this.closing = true
      return Promise.reject(bodyTooLarge(maxBytes))
    }
    return collect(this.#request, maxBytes, peerGone).catch(fault => {
      this.closing = true
      throw fault
    })
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces(this.#request, peerGone)) {
      this.#connection.since = this.#clock.monotonic()
      yield piece
    }
  }

  reply(status: number, headers: Headers, body?: Uint8Array | string): void {
    if (!this.#answer()) return
    const response = this.#response
    const all = headers.slice()
    if (body !== undefined) {
      all.push('content-length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength))
    } else if (status >= 200 && status !== 204 && status !== 304) {
      all.push('content-length', '0')
    }
    if (this.closing) all.push(...CLOSE)
    response.writeHead(status, all)
    response.end(body)
    this.#connection.finish(this, this.#clock.monotonic())
  }

  begin(status: number, headers: Headers): BodyWriter {
    if (this.#answer()) {
      // A write that meets a socket closed in the same turn is reported as an error event; `closed()` already tells whoever needs to know.
      this.#response.on('error', () => undefined)
      this.#response.on('drain', () => this.#drain())
      this.#response.writeHead(status, this.closing ? [...headers, ...CLOSE] : headers.slice())
      this.#response.flushHeaders()
    }
    return this
  }

  write(bytes: Uint8Array | string): boolean {
    if (this.#gone || this.#response.destroyed || this.#response.writableEnded) return true
    const room = this.#response.write(bytes)
    if (!room) this.#stalledAt ??= this.#clock.monotonic()
    return room
  }

  drained(): Promise<void> {
    if (this.#gone || this.#stalledAt === undefined) return Promise.resolve()
    return new Promise(resolve => {
      this.#waiting ??= []
      this.#waiting.push(resolve)
    })
  }

  end(trailers?: Headers): void {
    if (this.#gone || this.#response.writableEnded) return
    if (trailers !== undefined && trailers.length > 0) {
      const pairs: [string, string][] = []
      for (let index = 0; index < trailers.length; index += 2) {
        pairs.push([trailers[index] as string, trailers[index + 1] as string])
      }
      this.#response.addTrailers(pairs)
    }
    this.#response.end()
    this.#connection.finish(this, this.#clock.monotonic())
  }

  abort(): void {
    if (this.#gone || this.#response.writableEnded) return
    // HTTP/1.1 says so by closing alone: a chunked body without its last chunk, a sized one that is too short.
    this.#response.destroy()
  }

  onClose(listener: () => void): void {
    if (this.#gone) {
      listener()
      return
    }
    this.#listeners ??= []
    this.#listeners.push(listener)
  }

  /** The connection closed before the response was finished. */
  closed(): void {
    this.#gone = true
    this.#drain()
    const listeners = this.#listeners
    this.#listeners = undefined
    if (listeners !== undefined) for (const listener of listeners) listener()
  }

  #drain(): void {
    this.#stalledAt = undefined
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) for (const resolve of waiting) resolve()
  }

  /** False when the peer has gone: then there is nobody to answer. */
  #answer(): boolean {
    if (this.#answered) throw new TypeError('The exchange was already answered; call reply or begin once.')
    this.#answered = true
    return !this.#gone && !this.#response.destroyed
  }
}

/** Path and query of a request target; RFC 9112, section 3.2.2 has servers accept the absolute form, too. */
function originForm(target: string): string {
  if (target.charCodeAt(0) === SLASH || !/^https?:\/\//i.test(target)) return target
  const path = target.slice(target.indexOf('//') + 2).search(/[/?]/)
  if (path < 0) return '/'
  const rest = target.slice(target.indexOf('//') + 2 + path)
  return rest.charCodeAt(0) === SLASH ? rest : `/${rest}`
}

const SLASH = 0x2f

function peerGone(cause?: unknown): Fault {
  return new Fault('cancelled', 'The caller went away before its request was complete.', {
    reason: 'CALLER_GONE',
    cause,
  })
}
