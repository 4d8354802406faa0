import type { IncomingMessage } from 'node:http'
import { Fault } from '../../kernel/fault.ts'
import type { Headers, IncomingResponse } from '../exchange.ts'
import { collect, pieces } from './body.ts'
import { lowerCaseNames } from './headers.ts'

/** A response over `node:http`. */
export class NodeResponse implements IncomingResponse {
  readonly status: number
  readonly headers: Headers
  readonly #message: IncomingMessage
  readonly #signal: AbortSignal | undefined

  /** `leave` takes the listener off the signal; called once the body is over. */
  constructor(message: IncomingMessage, signal: AbortSignal | undefined, leave: () => void) {
    this.status = message.statusCode as number
    this.headers = lowerCaseNames(message.rawHeaders)
    this.#message = message
    this.#signal = signal
    message.on('close', leave)
  }

  async readAll(maxBytes: number): Promise<Uint8Array> {
    try {
      return await collect(this.#message, maxBytes, this.#broken)
    } catch (fault) {
      this.close() // a response that is too long is not read to its end
      throw fault
    }
  }

  chunks(): AsyncIterable<Uint8Array> {
    return pieces(this.#message, this.#broken)
  }

  close(): void {
    if (!this.#message.complete) this.#message.destroy()
    else this.#message.resume()
  }

  readonly #broken = (cause?: unknown): Fault => {
    const signal = this.#signal
    if (signal?.aborted) return Fault.from(signal.reason)
    return new Fault(
      'unavailable',
      'The connection was lost in the middle of a response; the request may have been carried out.',
      {
        reason: 'CONNECTION_LOST',
        cause,
      },
    )
  }
}
