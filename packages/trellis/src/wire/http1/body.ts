import type { IncomingMessage } from 'node:http'
import { Fault } from '../../kernel/fault.ts'

const EMPTY = new Uint8Array(0)

/** The fault of a body that is longer than the reader allows. */
export function bodyTooLarge(maxBytes: number): Fault {
  return new Fault('resource_exhausted', `The body is larger than ${maxBytes} bytes; send less at once.`, {
    reason: 'BODY_TOO_LARGE',
    retryable: false,
  })
}

/** Reads a whole body. Rejects with `BODY_TOO_LARGE` once it passes `maxBytes` (the rest is thrown away), with `broken` when it ends early. */
export function collect(
  message: IncomingMessage,
  maxBytes: number,
  broken: (cause?: unknown) => Fault,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (message.destroyed && !message.readableEnded) return reject(broken())
    let first: Uint8Array | undefined
    let rest: Uint8Array[] | undefined
    let length = 0
    const onData = (piece: Uint8Array): void => {
      length += piece.byteLength
      if (length > maxBytes) {
        message.off('data', onData)
        message.resume()
        reject(bodyTooLarge(maxBytes))
      } else if (first === undefined) first = piece
      else if (rest === undefined) rest = [first, piece]
      else rest.push(piece)
    }
    message.on('data', onData)
    message.on('end', () => resolve(rest === undefined ? (first ?? EMPTY) : Buffer.concat(rest, length)))
    message.on('error', error => reject(broken(error)))
    // An aborted message closes without `end`. A fault for each of the others, which nobody sees, would cost more than the rest of this.
    message.on('close', () => {
      if (!message.readableEnded) reject(broken())
    })
  })
}

/** A body piece by piece, at the pace of the reader. Throws `broken` when it ends early. */
export async function* pieces(
  message: IncomingMessage,
  broken: (cause?: unknown) => Fault,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of message.iterator({ destroyOnReturn: false })) yield piece as Uint8Array
  } catch (error) {
    throw broken(error)
  }
  if (!message.complete) throw broken()
}
