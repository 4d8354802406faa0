/**
 * The HTTP/1.1 client over `node:http`: connections come from the runtime's `Net` and are kept and used again. A request is repeated by itself
 * only when the kept connection turned out to be closed before a byte of the request was handed to it; whatever may have reached the server is the
 * caller's to judge.
 */
import type { Agent, ClientRequest } from 'node:http'
import type { Duplex } from 'node:stream'
import { Fault, isFault } from '../../kernel/fault.ts'
import type { Address, CancelTimer, Runtime } from '../../kernel/runtime.ts'
import type { IncomingResponse, OutgoingRequest } from '../exchange.ts'
import { nodeHttp } from './node-http.ts'
import { NodeResponse } from './response.ts'

/** Limits of a client. */
export interface HttpClientOptions {
  /** Open connections for each address; further requests wait for one. Default 256. */
  readonly maxConnections?: number
  /** Idle connections kept for each address. Default 64. */
  readonly maxIdle?: number
  /** Bytes of status line and headers of a response. Default 16,384. */
  readonly maxHeaderBytes?: number
}

/** Sends requests. */
export interface HttpClient extends AsyncDisposable {
  /**
   * Sends a request; resolves with the head of its response. Rejects with the reason of an aborted signal, `unavailable` / `CONNECT_FAILED` when nothing
   * was sent, `unavailable` / `CONNECTION_LOST` when the request may have been carried out.
   */
  request(address: Address, request: OutgoingRequest): Promise<IncomingResponse>
  /** Closes all connections; running requests fail. */
  close(): Promise<void>
}

/**
 * Makes a client.
 *
 * @example
 * const response = await client.request({ host: '127.0.0.1', port: 8080 }, { method: 'GET', target: '/livez', headers: [] })
 */
export function createHttpClient(runtime: Runtime, options: HttpClientOptions = {}): HttpClient {
  return new NodeHttpClient(runtime, options)
}

/** How long a connection is kept without a request. Shorter than servers keep it (60 s here), so that a request rarely meets one that is being closed. */
const IDLE_MS = 30_000
const SWEEP_MS = 5_000

/** A `net.Socket` has all of these, a virtual one some. */
type Kept = Duplex & { readonly bytesWritten?: number; ref?: () => void; unref?(): void }

/** A connection without a request. */
interface Idle {
  readonly since: number
  /** Bytes that it had written: any more means that a request was begun on it. */
  readonly written: number
}

class NodeHttpClient implements HttpClient {
  readonly #runtime: Runtime
  readonly #agent: Agent
  readonly #maxHeaderBytes: number
  readonly #idle = new Map<Duplex, Idle>()
  readonly #lastIdle = new WeakMap<Duplex, Idle>()
  #cancelSweep: CancelTimer | undefined
  #closed = false

  constructor(runtime: Runtime, options: HttpClientOptions) {
    this.#runtime = runtime
    this.#maxHeaderBytes = options.maxHeaderBytes ?? 16_384
    const agent = new nodeHttp.Agent({
      keepAlive: true,
      maxSockets: options.maxConnections ?? 256,
      maxFreeSockets: options.maxIdle ?? 64,
      scheduling: 'lifo',
    })
    // A socket may come later through the callback: the runtime connects asynchronously.
    agent.createConnection = (address, created): undefined => {
      const { host, port } = address as unknown as Address
      runtime.net.connect({ host, port }).then(
        socket => created?.(null, socket),
        (error: Error) => created?.(error, undefined as never),
      )
    }
    // What node:http does here needs a net.Socket, and times idle connections by the real clock.
    Object.assign(agent, {
      keepSocketAlive: (socket: Kept) => this.#keep(socket),
      reuseSocket: (socket: Kept, request: ClientRequest) => this.#reuse(socket, request),
    })
    this.#agent = agent
  }

  #keep(socket: Kept): boolean {
    if (this.#closed) return false
    socket.unref?.()
    const idle: Idle = { since: this.#runtime.clock.monotonic(), written: socket.bytesWritten ?? 0 }
    this.#idle.set(socket, idle)
    this.#lastIdle.set(socket, idle)
    if (this.#cancelSweep === undefined) this.#armSweep()
    return true
  }

  #reuse(socket: Kept, request: ClientRequest): void {
    this.#idle.delete(socket)
    socket.ref ??= () => undefined
    // Also takes off the guard against bytes that arrive while the socket is idle, which would cut the next answer.
    nodeHttp.Agent.prototype.reuseSocket.call(this.#agent, socket, request)
  }

  #armSweep(): void {
    this.#cancelSweep = this.#runtime.timers.after(SWEEP_MS, () => this.#sweep(), { background: true })
  }

  #sweep(): void {
    this.#cancelSweep = undefined
    const oldest = this.#runtime.clock.monotonic() - IDLE_MS
    for (const [socket, { since }] of this.#idle) {
      if (socket.destroyed) this.#idle.delete(socket)
      else if (since <= oldest) socket.destroy()
    }
    if (this.#idle.size > 0) this.#armSweep()
  }

  async request(address: Address, request: OutgoingRequest): Promise<IncomingResponse> {
    if (this.#closed)
      throw new Fault('unavailable', 'The client was closed; make a new one.', { reason: 'CLIENT_CLOSED' })
    for (;;) {
      try {
        return await this.#send(address, request)
      } catch (error) {
        if (error !== UNSENT) throw error
      }
    }
  }

  close(): Promise<void> {
    this.#closed = true
    this.#cancelSweep?.()
    this.#agent.destroy()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #send(address: Address, outgoing: OutgoingRequest): Promise<IncomingResponse> {
    const { signal, body } = outgoing
    if (signal?.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const request = nodeHttp.request({
        agent: this.#agent,
        host: address.host,
        port: address.port,
        method: outgoing.method,
        path: outgoing.target,
        headers: requestHeaders(address, outgoing),
        maxHeaderSize: this.#maxHeaderBytes,
        setDefaultHeaders: false,
      })
      const onAbort = (): void => {
        request.destroy()
        // A request that waits for a connection hears of its end only once it gets one.
        reject(signal?.reason)
      }
      const leave = (): void => signal?.removeEventListener('abort', onAbort)
      signal?.addEventListener('abort', onAbort, { once: true })
      request.on('response', message => resolve(new NodeResponse(message, signal, leave)))
      request.on('error', error => {
        leave()
        if (signal?.aborted) reject(signal.reason)
        else reject(this.#nothingWasSent(request) && typeof body !== 'object' ? UNSENT : lost(error, address))
      })
      send(request, body)
    })
  }

  #nothingWasSent(request: ClientRequest): boolean {
    const socket = request.socket as Kept | null
    if (!request.reusedSocket || socket === null) return false
    return socket.bytesWritten !== undefined && socket.bytesWritten === this.#lastIdle.get(socket)?.written
  }
}

/** Marks a request that found its kept connection closed and sent nothing. */
const UNSENT: unique symbol = Symbol('unsent')

function requestHeaders(address: Address, { method, headers, body }: OutgoingRequest): string[] {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  const all = ['host', `${host}:${address.port}`, ...headers]
  if (typeof body === 'string') all.push('content-length', String(Buffer.byteLength(body)))
  else if (body instanceof Uint8Array) all.push('content-length', String(body.byteLength))
  else if (body !== undefined) all.push('transfer-encoding', 'chunked')
  // RFC 9110, section 8.6: methods that usually have a body say that it is empty.
  else if (method === 'POST' || method === 'PUT' || method === 'PATCH') all.push('content-length', '0')
  return all
}

function send(request: ClientRequest, body: OutgoingRequest['body']): void {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
    request.end(body)
    return
  }
  stream(request, body).catch((error: Error) => request.destroy(error))
}

async function stream(request: ClientRequest, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of body) {
    if (request.destroyed) return
    if (!request.write(piece)) {
      await new Promise<void>(resolve => {
        request.once('drain', resolve)
        request.once('close', resolve)
      })
    }
  }
  request.end()
}

function lost(error: Error, address: Address): Fault {
  if (isFault(error)) return error
  const code = (error as NodeJS.ErrnoException).code
  if (code?.startsWith('HPE_')) {
    return new Fault('internal', `${address.host}:${address.port} sent what is not HTTP/1.1; is it the right port?`, {
      reason: 'MALFORMED_RESPONSE',
      cause: error,
    })
  }
  return new Fault(
    'unavailable',
    `The connection to ${address.host}:${address.port} was lost before it answered; the request may have been carried out.`,
    {
      reason: 'CONNECTION_LOST',
      cause: error,
    },
  )
}
