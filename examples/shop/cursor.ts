import { Fault } from 'trellis/kernel'

/** Hides where a list goes on in an opaque cursor. */
export function encodeCursor(position: string): string {
  return Buffer.from(position, 'utf8').toString('base64url')
}

/** Reads a cursor; one that this shop did not make is `invalid_argument`. */
export function decodeCursor(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString('utf8')
  if (position === '' || encodeCursor(position) !== cursor) {
    throw new Fault('invalid_argument', 'cursor: not one of this list; start again without a cursor.', {
      reason: 'INVALID_CURSOR',
    })
  }
  return position
}
