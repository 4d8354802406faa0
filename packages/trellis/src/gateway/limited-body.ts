import { bodyTooLarge } from '../wire/http1/body.ts'

/** A body piece by piece, up to `maxBytes`; beyond it throws `resource_exhausted` / `BODY_TOO_LARGE`. */
export async function* limitedBody(pieces: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let length = 0
  for await (const piece of pieces) {
    length += piece.byteLength
    if (length > maxBytes) throw bodyTooLarge(maxBytes)
    yield piece
  }
}
