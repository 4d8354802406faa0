/**
 * What every engine must know about a statement before it runs it: where its placeholders are, and whether its values can be stored by
 * all engines. Found once per text; the engines cache it with the prepared statement.
 */
import { Fault } from '../kernel/index.ts'
import type { SqlValue } from './store.ts'

/** What a statement does: `select` reads only, `write` changes rows, `schema` changes tables, `control` would end or nest the transaction. */
export type StatementKind = 'select' | 'write' | 'schema' | 'control'

/** A statement's text, taken apart. */
export interface StatementShape {
  readonly kind: StatementKind
  /** Offsets of the `?` placeholders, outside of quotes and comments. */
  readonly placeholders: readonly number[]
  /** Why no engine may run it for a caller, if so. */
  readonly refusal: string | undefined
}

const KINDS: Readonly<Record<string, StatementKind>> = {
  select: 'select',
  values: 'select',
  insert: 'write',
  update: 'write',
  delete: 'write',
  replace: 'write',
  with: 'write', // may hold an insert; treated as the stronger of the two
  create: 'schema',
  alter: 'schema',
  drop: 'schema',
  analyze: 'schema',
  reindex: 'schema',
}

/** Takes a statement apart. Knows `'text'`, `"name"`, `-- comment` and `/* comment *\/`; a word it does not know is `control`. */
export function shapeOf(text: string): StatementShape {
  const placeholders: number[] = []
  let first = -1 // offset of the first word
  let ended = false // a `;` was seen
  let refusal: string | undefined
  let at = 0
  while (at < text.length) {
    const char = text[at] as string
    if (char <= ' ') {
      at++
    } else if (char === '-' && text[at + 1] === '-') {
      at = after(text, '\n', at)
    } else if (char === '/' && text[at + 1] === '*') {
      const end = after(text, '*/', at + 2)
      // PostgreSQL nests comments and SQLite does not, so that one would run what the other skips.
      if (text.slice(at + 2, end).includes('/*'))
        refusal ??= 'A statement has a comment within a comment; leave it out.'
      at = end
    } else {
      if (ended && char !== ';') refusal ??= 'A text holds several statements; run each with a call of its own.'
      if (first < 0) first = at
      if (char === '?') placeholders.push(at)
      if (char === ';') ended = true
      // A doubled quote ends one literal and starts the next, which comes to the same.
      at = char === "'" || char === '"' ? after(text, char, at + 1) : at + 1
    }
  }
  const word = first < 0 ? '' : (/^[a-z]+/i.exec(text.slice(first, first + 20))?.[0] ?? '').toLowerCase()
  const kind = KINDS[word] ?? 'control'
  if (kind === 'control')
    refusal ??=
      'Only select, insert, update, delete, create, alter and drop can be run; the store begins and ends transactions itself.'
  return { kind, placeholders, refusal }
}

function after(text: string, end: string, from: number): number {
  const at = text.indexOf(end, from)
  return at < 0 ? text.length : at + end.length
}

/** Refuses several statements in one text, and statements that would end or nest the transaction, with `SQL_ERROR`. */
export function checkShape(text: string, shape: StatementShape): void {
  if (shape.refusal !== undefined) throw sqlError(shape.refusal, new Error(`in: ${text}`))
}

/** Refuses values that some engine would store as something else; the size of the values in bytes, about. */
export function checkValues(text: string, shape: StatementShape, values: readonly SqlValue[]): number {
  if (values.length !== shape.placeholders.length)
    throw sqlError(
      `A statement has ${shape.placeholders.length} placeholders and was given ${values.length} values.`,
      new Error(`in: ${text}`),
    )
  let bytes = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as SqlValue
    switch (typeof value) {
      case 'string':
        bytes += value.length
        if (!value.includes('\0')) continue
        throw new Fault(
          'invalid_argument',
          'A text holds the character NUL, which not every database stores; leave it out.',
          {
            reason: 'TEXT_NOT_STORABLE',
          },
        )
      case 'number':
        // SQLite would store NaN as NULL without a word.
        if (Number.isFinite(value)) continue
        break
      case 'bigint':
        if (BigInt.asIntN(64, value) === value) continue
        break
      case 'object':
        if (value === null) continue
        if (value instanceof Uint8Array) {
          bytes += value.length
          continue
        }
    }
    throw sqlError(
      `Value ${i + 1} of a statement cannot be stored; give a string, a finite number, a 64-bit bigint, bytes or null (booleans as 0 and 1, times as milliseconds).`,
      new Error(`${typeof value} in: ${text}`),
    )
  }
  return bytes
}

/** `internal` / `SQL_ERROR`: a statement that the engine refuses. The cause, which is logged and not sent, holds the text. */
export function sqlError(message: string, cause: unknown): Fault {
  return new Fault('internal', message, { reason: 'SQL_ERROR', cause })
}
