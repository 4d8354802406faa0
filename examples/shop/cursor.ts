import { raise } from 'trellis/contract'
import { InvalidCursor } from './shapes.ts'

/** Hides where a list goes on in an opaque cursor. */
export function encodeCursor(position: string): string {
  return Buffer.from(position, 'utf8').toString('base64url')
}

/** Reads a cursor; one that this shop did not make is `InvalidCursor`. */
export function decodeCursor(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString('utf8')
  if (position === '' || encodeCursor(position) !== cursor) throw raise(InvalidCursor)
  return position
}

/** Reads a cursor of a list whose places are numbers. */
export function decodeNumericCursor(cursor: string): number {
  const position = decodeCursor(cursor)
  if (!/^[1-9][0-9]{0,14}$/.test(position)) throw raise(InvalidCursor)
  return Number(position)
}
