/**
 * The seam between bytes and everything above: one HTTP request and its response. Whatever parses bytes (node:http now, the platform's own
 * HTTP/1.1 and HTTP/2 later) presents it in this form, so that nothing above changes with it.
 */

/** Headers as a flat list: name, value, name, value. Names are lower-case; repeated names stay apart. */
export type Headers = readonly string[]

/** Who is at the other end of the connection. */
export interface Peer {
  readonly address: string
  /** SPIFFE id or subject of a verified client certificate. */
  readonly identity?: string
}

/** The body of a response that is written piece by piece. */
export interface BodyWriter {
  /** Hands bytes over; false when the reader is behind: then wait for `drained()` before the next. Nothing happens once the exchange is closed. */
  write(bytes: Uint8Array | string): boolean
  /** Resolves when there is room again or the exchange is closed. */
  drained(): Promise<void>
  /** Ends the body, with trailers if the protocol has them. */
  end(trailers?: Headers): void
  /** Breaks the body off, so that the reader can tell that it is not complete. Nothing happens after `end`. */
  abort(): void
}

/** One request and its response, on the server. */
export interface Exchange {
  readonly method: string
  /** Path and query as sent, such as `/orders?limit=20`. */
  readonly target: string
  readonly headers: Headers
  readonly peer: Peer
  /** The whole body; rejects with `resource_exhausted` / `BODY_TOO_LARGE` beyond `maxBytes`, and `cancelled` when the peer goes. */
  readAll(maxBytes: number): Promise<Uint8Array>
  /** The body as it arrives; the sender is slowed down to the reader's pace. */
  chunks(): AsyncIterable<Uint8Array>
  /** Sends the whole response. */
  reply(status: number, headers: Headers, body?: Uint8Array | string): void
  /** Starts a response whose body follows. */
  begin(status: number, headers: Headers): BodyWriter
  /** Calls back once when the peer has gone before the response was finished; at once when it already has. */
  onClose(listener: () => void): void
}

/** Answers exchanges. Must call `reply` or `begin` exactly once for each. */
export type ExchangeHandler = (exchange: Exchange) => void

/** The value of the first header of a name (lower-case), or undefined. */
export function header(headers: Headers, name: string): string | undefined {
  for (let index = 0; index < headers.length; index += 2) if (headers[index] === name) return headers[index + 1]
  return undefined
}

/** A request of a client. */
export interface OutgoingRequest {
  readonly method: string
  readonly target: string
  readonly headers: Headers
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal
}

/** The response to a client. Its body must be read or closed, or the connection stays taken. */
export interface IncomingResponse {
  readonly status: number
  readonly headers: Headers
  readAll(maxBytes: number): Promise<Uint8Array>
  chunks(): AsyncIterable<Uint8Array>
  /** Gives the rest of the body up. */
  close(): void
}
