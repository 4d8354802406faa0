/** What a server accepts. All of it protects the process from a peer that is slow, broken or hostile. */
export interface HttpServerLimits {
  /** Bytes of request line and headers together. Default 16,384; beyond it 431. */
  readonly maxHeaderBytes: number
  /** Number of headers. Default 100; beyond it 431. */
  readonly maxHeaders: number
  /** Milliseconds from the connection to the end of its first head. Default 10,000; then 408. Later heads fall under `idleTimeoutMs`. */
  readonly headTimeoutMs: number
  /** Milliseconds from the end of a head to the end of its body. Default 30,000; then 408. A body read by `chunks()` has this long for each piece. */
  readonly bodyTimeoutMs: number
  /** Milliseconds that a connection may wait for its next request. Default 60,000, longer than the clients here keep idle ones (30,000), so that the client closes first. */
  readonly idleTimeoutMs: number
  /** Requests of one connection that wait for their answers. Default 100; a connection with more is closed, since each holds memory before its answer may be sent. */
  readonly maxPipelined: number
  /** Open connections; further ones are closed at once. Default 10,000. */
  readonly maxConnections: number
}

const DEFAULTS: HttpServerLimits = {
  maxHeaderBytes: 16_384,
  maxHeaders: 100,
  headTimeoutMs: 10_000,
  bodyTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  maxPipelined: 100,
  maxConnections: 10_000,
}

/** Fills the defaults in. Throws a `RangeError` for a limit that is not a positive whole number. */
export function fillLimits(limits: Partial<HttpServerLimits> = {}): HttpServerLimits {
  const filled = { ...DEFAULTS, ...limits }
  for (const [name, value] of Object.entries(filled)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${name} is ${value}; it must be a whole number of at least 1.`)
    }
  }
  return filled
}
