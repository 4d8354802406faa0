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
  /** Whether there is more than one statement in the text. */
  readonly several: boolean
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

/** Takes a statement apart. Knows `'text'`, `"name"`, `-- comment` and nesting `/* comment *\/`; a word it does not know is `control`. */
export function shapeOf(text: string): StatementShape {
  const placeholders: number[] = []
  let first = -1 // offset of the first word
  let ended = false // a `;` was seen
  let several = false
  let at = 0
  while (at < text.length) {
    const char = text[at] as string
    const next = text[at + 1]
    if (char === '-' && next === '-') {
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end + 1
      continue
    }
    if (char === '/' && next === '*') {
      at = afterComment(text, at)
      continue
    }
    if (char <= ' ') {
      at++
      continue
    }
    if (ended && char !== ';') several = true
    if (first < 0) first = at
    if (char === "'" || char === '"') {
      // A doubled quote ends one literal and starts the next, which comes to the same.
      const end = text.indexOf(char, at + 1)
      at = end < 0 ? text.length : end + 1
      continue
    }
    if (char === '?') placeholders.push(at)
    if (char === ';') ended = true
    at++
  }
  const word = first < 0 ? '' : (/^[a-z]+/i.exec(text.slice(first, first + 20))?.[0] ?? '').toLowerCase()
  return { kind: KINDS[word] ?? 'control', placeholders, several }
}

function afterComment(text: string, start: number): number {
  let depth = 0
  let at = start
  while (at < text.length) {
    if (text.startsWith('/*', at)) {
      depth++
      at += 2
    } else if (text.startsWith('*/', at)) {
      at += 2
      if (--depth === 0) return at
    } else at++
  }
  return at
}

/** Refuses what no engine may run for a caller: several statements in one text, and statements that would end or nest the transaction. */
export function checkShape(text: string, shape: StatementShape): void {
  if (shape.several)
    throw sqlError('A text holds several statements; run each with a call of its own.', new Error(`in: ${text}`))
  if (shape.kind === 'control')
    throw sqlError(
      'Only select, insert, update, delete, create, alter and drop can be run; the store begins and ends transactions itself.',
      new Error(`in: ${text}`),
    )
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
        continue
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
