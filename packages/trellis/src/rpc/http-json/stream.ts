/** A server stream as the body of a response: Server-Sent Events (WHATWG HTML, section 9.2) or one JSON document a line. */
import type { CallContext } from '../../kernel/context.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Runtime } from '../../kernel/runtime.ts'
import type { BodyWriter, Exchange, Headers } from '../../wire/exchange.ts'
import type { ServerMethod } from '../rpc.ts'
import { serveStream } from '../server.ts'
import { ndjson } from './ndjson.ts'
import { sse } from './sse.ts'
import type { StreamFormat } from './stream-format.ts'

export type { StreamFormat } from './stream-format.ts'

/** SSE when the reader names it, else NDJSON: a reader that asks for neither can read lines. */
export function streamFormat(accept: string | undefined): StreamFormat {
  return accept?.includes('text/event-stream') ? sse : ndjson
}

/** How a stream is written. */
export interface WriteStreamOptions {
  readonly format: StreamFormat
  /** The reader was here before, and goes on where it stopped. */
  readonly resumed: boolean
  readonly heartbeatMs: number
  readonly headers: Headers
}

/**
 * How long the head of the response waits for the first item, so that a stream that fails at once has the status of its fault. Not longer: a reader
 * wants to know that it is connected.
 */
const HEAD_WAIT_MS = 250

/**
 * Runs a stream and writes it. Rejects when it failed before the response began; later faults are the last event. Waits for a slow reader
 * before it asks for the next item. A stream without items is 204 for a reader of SSE, which else would come again and again, and for one that resumed.
 */
export async function writeStream(
  runtime: Runtime,
  exchange: Exchange,
  method: ServerMethod,
  input: unknown,
  ctx: CallContext,
  options: WriteStreamOptions,
): Promise<void> {
  const { format } = options
  const items = serveStream(method, input, ctx)
  let next = items.next()
  const first = await soon(runtime, next, HEAD_WAIT_MS)
  if (first?.done === true && (options.resumed || format.heartbeat !== undefined)) {
    exchange.reply(204, options.headers)
    return
  }
  const head = ['content-type', format.contentType, 'cache-control', 'no-store', 'x-accel-buffering', 'no']
  const writer = exchange.begin(200, [...head, ...options.headers])
  const heart =
    format.heartbeat === undefined ? undefined : new Heart(runtime, writer, format.heartbeat, options.heartbeatMs)
  try {
    for (;;) {
      const result = await next
      if (result.done === true) break
      heart?.rest()
      if (!writer.write(format.item(method, result.value))) await writer.drained()
      next = items.next()
    }
  } catch (error) {
    writer.write(format.fault(Fault.from(error)))
    await items.return(undefined) // an item that could not be written leaves the stream open
  } finally {
    heart?.stop()
    writer.end()
  }
}

/** The value of a promise that settles within `ms`, else undefined. */
function soon<T>(runtime: Runtime, work: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = runtime.timers.after(ms, () => resolve(undefined))
    work.then(
      value => {
        cancel()
        resolve(value)
      },
      (error: unknown) => {
        cancel()
        reject(error)
      },
    )
  })
}

/** Beats while the stream rests. */
class Heart {
  readonly #runtime: Runtime
  readonly #writer: BodyWriter
  readonly #beat: string
  readonly #everyMs: number
  #rested = false
  #cancel: () => void

  constructor(runtime: Runtime, writer: BodyWriter, beat: string, everyMs: number) {
    this.#runtime = runtime
    this.#writer = writer
    this.#beat = beat
    this.#everyMs = everyMs
    this.#cancel = this.#arm()
  }

  /** Something was sent: the next beat is not needed. */
  rest(): void {
    this.#rested = true
  }

  stop(): void {
    this.#cancel()
  }

  #arm(): () => void {
    return this.#runtime.timers.after(this.#everyMs, () => {
      if (!this.#rested) this.#writer.write(this.#beat)
      this.#rested = false
      this.#cancel = this.#arm()
    })
  }
}
