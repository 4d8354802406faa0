/**
 * JSON as it comes from outside (RFC 8259, and RFC 7493 where that is stricter). What two parsers could read differently is refused:
 * malformed UTF-8, a byte order mark, names said twice, halves of surrogate pairs, numbers beyond a double. `__proto__` is an ordinary
 * member of the result and never its prototype.
 */
import { Fault } from '../kernel/fault.ts'
import { locateJsonError } from './json-position.ts'
import { MAX_DEPTH } from './walk.ts'

// One decoder for all: `decode` without `stream` keeps no state between calls.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/**
 * Reads JSON. The caller has bounded its size. Throws `invalid_argument` with the reason `INVALID_JSON`, the position and never the content.
 */
export function parseJson(json: Uint8Array | string): unknown {
  const text = typeof json === 'string' ? json : decodeUtf8(json)
  const members = countMembers(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed(`is malformed at position ${locateJsonError(text)}`)
  }
  if (typeof value === 'object' && value !== null) {
    const read = inspect(value, text.includes('\\u'))
    if (read !== members) throw malformed('says a name twice in one object')
  } else inspectScalar(value, true)
  return value
}

/** Writes JSON. Members that are undefined are left out. Throws `internal` for what JSON can't say, such as a bigint or a cycle. */
export function stringifyJson(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw unwritable(cause)
  }
  if (text === undefined) throw unwritable(new TypeError(`A ${typeof value} has no JSON.`))
  return text
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw malformed('is not UTF-8')
  }
}

/** How many members the text says, by its colons; refuses nesting that is too deep before anything recurses into it. */
function countMembers(text: string): number {
  let members = 0
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at)
        break
      case COLON:
        members++
        break
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (++depth > MAX_DEPTH) throw malformed(`is nested deeper than ${MAX_DEPTH} levels at position ${at}`)
        break
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--
        break
      default:
    }
  }
  return members
}

/** Where the string that begins at `start` ends; the end of the text when it does not. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let first = end
    while (text.charCodeAt(first - 1) === BACKSLASH) first--
    if ((end - first) % 2 === 0) return end
  }
  return text.length
}

/** How many members the value has, all told. */
function inspect(value: object, escapes: boolean): number {
  let members = 0
  if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item === 'object' && item !== null) members += inspect(item, escapes)
      else inspectScalar(item, escapes)
    }
    return members
  }
  for (const name in value) {
    members++
    if (escapes) inspectScalar(name, true)
    const member = (value as Record<string, unknown>)[name]
    if (typeof member === 'object' && member !== null) members += inspect(member, escapes)
    else inspectScalar(member, escapes)
  }
  return members
}

function inspectScalar(value: unknown, escapes: boolean): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw malformed('has a number beyond what a double holds')
  } else if (escapes && typeof value === 'string' && !value.isWellFormed()) {
    throw malformed('has half of a surrogate pair')
  }
}

function malformed(what: string): Fault {
  return new Fault('invalid_argument', `The JSON ${what}; mend it and send it again.`, { reason: 'INVALID_JSON' })
}

function unwritable(cause: unknown): Fault {
  return new Fault('internal', 'The answer could not be written; the log of the service holds the cause.', {
    reason: 'INVALID_OUTPUT',
    cause,
  })
}
