import { Fault } from '../kernel/fault.ts'

/** A body piece by piece, up to `maxBytes`; beyond it throws `resource_exhausted` / `BODY_TOO_LARGE`. */
export async function* limitedBody(pieces: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let length = 0
  for await (const piece of pieces) {
    length += piece.byteLength
    if (length > maxBytes) throw bodyTooLarge(maxBytes)
    yield piece
  }
}

function bodyTooLarge(maxBytes: number): Fault {
  return new Fault('resource_exhausted', `The body is larger than ${maxBytes} bytes; send less at once.`, {
    reason: 'BODY_TOO_LARGE',
    retryable: false,
  })
}
