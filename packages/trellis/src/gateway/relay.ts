import { Fault } from '../kernel/fault.ts'
import { ndjson } from '../rpc/http-json/ndjson.ts'
import { sse } from '../rpc/http-json/sse.ts'
import type { StreamFormat } from '../rpc/http-json/stream.ts'
import type { BodyWriter, Exchange, Headers, IncomingResponse } from '../wire/exchange.ts'
import { header } from '../wire/exchange.ts'

/** The answer of an instance. */
export interface Answer {
  readonly response: IncomingResponse
  /** The whole body, where it was small enough to be held. */
  readonly body: Uint8Array | undefined
}

/**
 * Passes an answer on, a long one at the pace of its reader. Rejects when it broke off: a stream of events then ends with the fault, any other body without
 * its end, so that nobody takes a part for the whole.
 */
export async function relay(exchange: Exchange, { response, body }: Answer): Promise<void> {
  const { status, headers } = response
  if (body !== undefined || status === 204 || status === 304) {
    response.close()
    exchange.reply(status, headers, body)
    return
  }
  const writer = exchange.begin(status, headers)
  const tail = new Tail(headers)
  try {
    for await (const chunk of response.chunks()) {
      tail.add(chunk)
      if (!writer.write(chunk)) await writer.drained()
    }
    writer.end()
  } catch (error) {
    const fault = outward(Fault.from(error))
    const lastWord = tail.lastWord(fault)
    if (lastWord === undefined) writer.abort()
    else finish(writer, lastWord)
    throw fault
  }
}

function finish(writer: BodyWriter, lastWord: string): void {
  writer.write(lastWord)
  writer.end()
}

/** The end of what has passed: a stream of events can say what went wrong where one event is over and the next has not begun. */
class Tail {
  readonly #format: StreamFormat | undefined
  #boundary = true

  constructor(headers: Headers) {
    const type = header(headers, 'content-type')
    this.#format = [sse, ndjson].find(({ contentType }) => type?.startsWith(contentType) === true)
  }

  add(chunk: Uint8Array): void {
    if (this.#format === undefined || chunk.byteLength === 0) return
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString(
      'latin1',
      Math.max(0, chunk.byteLength - 2),
    )
    this.#boundary = this.#format === sse ? text === '\n\n' : text.endsWith('\n')
  }

  lastWord(fault: Fault): string | undefined {
    return this.#boundary ? this.#format?.fault(fault) : undefined
  }
}

/** What the world hears of a connection that was lost inside. */
function outward(fault: Fault): Fault {
  if (fault.reason !== 'CONNECTION_LOST') return fault
  return new Fault('unavailable', 'The service went away in the middle of its answer; ask again.', {
    reason: 'ANSWER_BROKEN_OFF',
    cause: fault,
  })
}
