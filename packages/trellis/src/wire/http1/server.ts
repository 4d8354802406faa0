/**
 * The HTTP/1.1 server over `node:http`, fed with the byte streams of the runtime's `Net`, so that a virtual network works too. Hot path: per
 * request it makes one exchange. All limits in time are enforced by one sweep over the connections, not by timers per request.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Address, CancelTimer, Listener, Runtime } from '../../kernel/runtime.ts'
import type { ExchangeHandler } from '../exchange.ts'
import { Connection } from './connection.ts'
import { NodeExchange } from './exchange.ts'
import type { HttpServerLimits } from './limits.ts'
import { fillLimits } from './limits.ts'
import { nodeHttp } from './node-http.ts'
import type { RefusalStatus } from './refusal.ts'
import { refusal, refusalBody } from './refusal.ts'
import { isWellFormed } from './well-formed.ts'

/** How a server answers, and what it accepts. */
export interface HttpServerOptions {
  readonly handler: ExchangeHandler
  readonly limits?: Partial<HttpServerLimits>
}

/** How a server stops. */
export interface CloseOptions {
  /** Milliseconds that running exchanges may still take; then their connections are cut. Default 5,000, the default deadline of a call. */
  readonly graceMs?: number
}

/** A server; it may listen on several addresses. */
export interface HttpServer extends AsyncDisposable {
  /** Starts to accept connections; the address with the port that was taken. */
  listen(address: Address): Promise<Address>
  /** Stops accepting, answers what runs (with `connection: close`), then closes. Later calls get the same promise. */
  close(options?: CloseOptions): Promise<void>
}

const SWEEP_MS = 1_000
const DEFAULT_GRACE_MS = 5_000

/**
 * Makes a server.
 *
 * @example
 * const server = createHttpServer(runtime, { handler: exchange => exchange.reply(200, ['content-type', 'text/plain'], 'hello') })
 * const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
 */
export function createHttpServer(runtime: Runtime, options: HttpServerOptions): HttpServer {
  return new NodeHttpServer(runtime, options)
}

class NodeHttpServer implements HttpServer {
  readonly #runtime: Runtime
  readonly #handler: ExchangeHandler
  readonly #limits: HttpServerLimits
  readonly #server: Server
  readonly #connections = new Map<Duplex, Connection>()
  readonly #listeners: Listener[] = []
  #cancelSweep: CancelTimer | undefined
  #closing: Promise<void> | undefined
  #allClosed: (() => void) | undefined

  constructor(runtime: Runtime, options: HttpServerOptions) {
    this.#runtime = runtime
    this.#handler = options.handler
    this.#limits = fillLimits(options.limits)
    // The time limits of node:http are off: they use the real clock and need its own listener. The sweep enforces ours.
    this.#server = nodeHttp.createServer({
      maxHeaderSize: this.#limits.maxHeaderBytes,
      insecureHTTPParser: false,
      requireHostHeader: false, // isWellFormed does, and says what is wrong
      keepAliveTimeout: 0,
      headersTimeout: 0,
      requestTimeout: 0,
    })
    // node:http silently leaves out what is beyond the count: one more than the limit shows that there was more.
    this.#server.maxHeadersCount = this.#limits.maxHeaders + 1
    this.#server.on('request', (request, response) => this.#onRequest(request, response))
    this.#server.on('clientError', (error, socket) => this.#onClientError(error as NodeJS.ErrnoException, socket))
  }

  async listen(address: Address): Promise<Address> {
    if (this.#closing !== undefined) throw new TypeError('The server was closed; make a new one.')
    const listener = await this.#runtime.net.listen(address, socket => this.#accept(socket))
    this.#listeners.push(listener)
    return listener.address
  }

  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options.graceMs ?? DEFAULT_GRACE_MS)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(graceMs: number): Promise<void> {
    await Promise.all(this.#listeners.map(listener => listener.close()))
    for (const connection of this.#connections.values()) {
      if (connection.idle) connection.socket.end()
      else for (const exchange of connection.active) exchange.closing = true
    }
    if (this.#connections.size > 0) {
      await new Promise<void>(resolve => {
        const cancel = this.#runtime.timers.after(graceMs, () => {
          for (const socket of this.#connections.keys()) socket.destroy()
        })
        this.#allClosed = () => {
          cancel()
          resolve()
        }
      })
    }
    this.#cancelSweep?.()
  }

  #accept(socket: Duplex): void {
    if (this.#closing !== undefined || this.#connections.size >= this.#limits.maxConnections) {
      socket.destroy()
      return
    }
    const connection = new Connection(socket, this.#runtime.clock.monotonic())
    this.#connections.set(socket, connection)
    socket.on('close', () => {
      this.#connections.delete(socket)
      connection.closed()
      if (this.#connections.size === 0) this.#allClosed?.()
    })
    this.#server.emit('connection', socket)
    if (this.#cancelSweep === undefined) this.#armSweep()
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket)
    if (connection === undefined || connection.refused || request.socket.destroyed) return // what was parsed before it closes
    if (connection.active.length >= this.#limits.maxPipelined) {
      request.socket.destroy()
      return
    }
    const now = this.#runtime.clock.monotonic()
    const exchange = new NodeExchange(request, response, connection, this.#runtime.clock)
    if (this.#closing !== undefined) exchange.closing = true
    connection.begin(exchange, now)
    if (request.rawHeaders.length > 2 * this.#limits.maxHeaders) refuse(connection, exchange, 431)
    else if (!isWellFormed(request.httpVersion, exchange.headers)) refuse(connection, exchange, 400)
    else this.#handler(exchange)
  }

  /** What the parser refuses. An answer is only possible while none has begun on the connection. */
  #onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    const connection = this.#connections.get(socket)
    if (connection?.refused) return // it has its answer, and closes after it
    const parserRefused = error.code?.startsWith('HPE_') ?? false
    if (!parserRefused || !socket.writable || connection === undefined || !connection.idle) {
      socket.destroy()
      return
    }
    socket.end(refusal(error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400), () => socket.destroy())
  }

  #armSweep(): void {
    this.#cancelSweep = this.#runtime.timers.after(SWEEP_MS, () => this.#sweep(), { background: true })
  }

  #sweep(): void {
    this.#cancelSweep = undefined
    const now = this.#runtime.clock.monotonic()
    for (const connection of this.#connections.values()) connection.enforce(this.#limits, now)
    if (this.#connections.size > 0) this.#armSweep()
  }
}

/** Answers in its turn, and closes. What follows may be a part of the refused request, so that nothing more is taken for one. */
function refuse(connection: Connection, exchange: NodeExchange, status: RefusalStatus): void {
  connection.refused = true
  exchange.closing = true
  exchange.reply(status, ['content-type', 'application/problem+json'], refusalBody(status))
}
