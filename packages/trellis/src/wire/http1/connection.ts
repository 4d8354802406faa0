import type { Duplex } from 'node:stream'
import type { HttpServerLimits } from './limits.ts'
import { refusal } from './refusal.ts'

/** How long the rest of a refused body is read and thrown away, so that the peer gets to see the answer: closing with unread bytes would reset the connection. */
const DISCARD_MS = 2_000

/** An exchange, as its connection sees it. */
export interface RunningExchange {
  /** The answer announces that the connection closes after it. */
  closing: boolean
  /** Whether the whole request has arrived. */
  readonly received: boolean
  /** How long the reader has let the response wait, in milliseconds. */
  stalledMs(now: number): number
  /** The connection closed before the response was finished. */
  closed(): void
}

/** A connection of the server: which exchanges run on it, and since when it is in the state that a limit bounds. */
export class Connection {
  readonly socket: Duplex
  /** Not yet answered, in the order of their requests; more than one when the peer pipelines. */
  readonly active: RunningExchange[] = []
  /** When the state began, in milliseconds of the monotonic clock. */
  since: number
  /** A request was refused; further ones are not served. */
  refused = false
  #last: RunningExchange | undefined

  constructor(socket: Duplex, now: number) {
    this.socket = socket
    this.since = now
  }

  get idle(): boolean {
    return this.active.length === 0
  }

  begin(exchange: RunningExchange, now: number): void {
    this.active.push(exchange)
    this.#last = exchange
    this.since = now
  }

  finish(exchange: RunningExchange, now: number): void {
    const index = this.active.indexOf(exchange)
    if (index >= 0) this.active.splice(index, 1)
    this.since = now
  }

  /** The peer has gone, or was made to. */
  closed(): void {
    for (const exchange of this.active.splice(0)) exchange.closed()
  }

  /** Closes the connection when it has been too long in its state. */
  enforce(limits: HttpServerLimits, now: number): void {
    const waited = now - this.since
    if (!this.idle) {
      if (this.#last?.received === false && waited >= limits.bodyTimeoutMs) this.#expire()
      else if ((this.active[0] as RunningExchange).stalledMs(now) >= limits.idleTimeoutMs) this.socket.destroy()
      return
    }
    if (this.#last === undefined) {
      if (waited >= limits.headTimeoutMs) this.#refuse()
    } else if (!this.#last.received) {
      if (waited >= DISCARD_MS) this.socket.destroy()
    } else if (waited >= limits.idleTimeoutMs + DISCARD_MS) {
      // The peer did not close its side in turn; it would hold the connection for ever.
      this.socket.destroy()
    } else if (waited >= limits.idleTimeoutMs) {
      this.socket.end()
    }
  }

  /** A body that does not come. An answer must not stand within the one of an earlier request. */
  #expire(): void {
    if (this.active.length === 1) this.#refuse()
    else this.socket.destroy()
  }

  #refuse(): void {
    this.socket.end(refusal(408), () => this.socket.destroy())
  }
}
