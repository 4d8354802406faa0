/**
 * Values as JSON text for log lines and span files. Hot: one access line per request passes here, so plain strings are copied without a
 * call to `JSON.stringify`. Nothing here throws, whatever it is given.
 */
import { isFault } from '../kernel/fault.ts'
import { isSensitiveName, REDACTED, redactText } from './redact.ts'
import type { Fields, FieldValue } from './telemetry.ts'

/** Longest string in a line, in UTF-16 units; what is beyond is cut off and its length said. */
export const MAX_TEXT = 8_192
const MAX_DEPTH = 6
const MAX_MEMBERS = 100
const MAX_CAUSES = 5

// What can't stand in a JSON string as it is, and controls (also C1: 0x9b starts a terminal sequence), line separators, the marks that reorder
// text on a screen; and the characters of which every credential that `redactText` knows needs one.
const SPECIAL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose
  /["\\\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff =%$:]/
const UNSAFE_AFTER_JSON = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** A string as a JSON string: no raw control or line-breaking characters, nothing that looks like a credential, at most `MAX_TEXT` of it. */
export function jsonString(text: string): string {
  if (text.length <= MAX_TEXT && !SPECIAL.test(text) && !text.includes('eyJ')) return `"${text}"`
  const kept = redactText(text.length > MAX_TEXT ? cut(text) : text)
  return JSON.stringify(kept).replace(UNSAFE_AFTER_JSON, unicodeEscape)
}

function cut(text: string): string {
  return `${text.slice(0, MAX_TEXT)}… [${text.length - MAX_TEXT} more characters]`
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

interface MemberName {
  /** With its quotes and colon. */
  readonly text: string
  readonly sensitive: boolean
}

/** A memo of a pure function. Names are few, since they come from code; the bound only guards against code that makes them up. */
const MAX_KNOWN_NAMES = 2_000
const knownNames = new Map<string, MemberName>()

function memberName(name: string): MemberName {
  let known = knownNames.get(name)
  if (known === undefined) {
    known = { text: `${jsonString(name)}:`, sensitive: isSensitiveName(name) }
    if (knownNames.size >= MAX_KNOWN_NAMES) knownNames.clear()
    knownNames.set(name, known)
  }
  return known
}

/** The members of `fields` as `"a":1,"b":"x"`, without braces; what is undefined is left out. */
export function jsonMembers(fields: Fields): string {
  let text = ''
  for (const name in fields) {
    const value = fields[name]
    if (value === undefined || !Object.hasOwn(fields, name)) continue
    if (text !== '') text += ','
    const member = memberName(name)
    text += member.text
    if (member.sensitive) text += `"${REDACTED}"`
    else if (typeof value === 'string') text += jsonString(value)
    else if (typeof value === 'number') text += Number.isFinite(value) ? value : `"${value}"`
    else text += jsonValue(value, 1)
  }
  return text
}

/** Any value as JSON text, bounded in depth and size, secrets by name replaced. */
export function jsonValue(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return jsonString(value)
    case 'number':
      return Number.isFinite(value) ? String(value) : `"${value}"`
    case 'boolean':
      return String(value)
    case 'object':
      if (value === null) return 'null'
      try {
        return jsonObject(value, depth)
      } catch {
        // A getter or a toJSON of the value threw; the line matters more than the value.
        return '"[unreadable]"'
      }
    case 'undefined':
      return 'null'
    default:
      return jsonString(String(value))
  }
}

function jsonObject(value: object, depth: number): string {
  if (depth > MAX_DEPTH) return '"[deeper]"'
  if (value instanceof Error) return jsonError(value, depth)
  if (ArrayBuffer.isView(value)) return `"[${value.byteLength} bytes]"`
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const replaced: unknown = value.toJSON()
    if (replaced !== value) return jsonValue(replaced, depth + 1)
  }
  if (Array.isArray(value)) return jsonArray(value, depth)
  if (value instanceof Set) return jsonArray([...value], depth)
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  const members = entries
    .slice(0, MAX_MEMBERS)
    .map(([name, member]) =>
      isSensitiveName(String(name))
        ? `${jsonString(String(name))}:"${REDACTED}"`
        : `${jsonString(String(name))}:${jsonValue(member as FieldValue, depth + 1)}`,
    )
  if (entries.length > MAX_MEMBERS) members.push(`"…":"${entries.length - MAX_MEMBERS} more"`)
  return `{${members.join(',')}}`
}

function jsonArray(items: readonly unknown[], depth: number): string {
  const texts = items.slice(0, MAX_MEMBERS).map(item => jsonValue(item, depth + 1))
  if (items.length > MAX_MEMBERS) texts.push(`"… ${items.length - MAX_MEMBERS} more"`)
  return `[${texts.join(',')}]`
}

/** What was thrown as JSON: name, message, stack, a fault's code, reason and details, and up to five causes, one inside the other. */
export function jsonError(thrown: unknown, depth: number = 1, causes: number = 0): string {
  if (!(thrown instanceof Error)) return `{"name":"${typeof thrown}","message":${jsonValue(thrown, depth)}}`
  try {
    let text = `{"name":${jsonString(String(thrown.name))},"message":${jsonString(String(thrown.message))}`
    if (isFault(thrown)) {
      text += `,"code":${jsonString(thrown.code)},"reason":${jsonString(thrown.reason)}`
      if (thrown.details !== undefined) text += `,"details":${jsonValue(thrown.details, depth + 1)}`
    } else if ('code' in thrown) text += `,"code":${jsonString(String(thrown.code))}`
    if (typeof thrown.stack === 'string') text += `,"stack":${jsonString(thrown.stack)}`
    if (causes < MAX_CAUSES) {
      if (thrown.cause !== undefined && thrown.cause !== null)
        text += `,"cause":${jsonError(thrown.cause, depth, causes + 1)}`
      if (thrown instanceof AggregateError) {
        const errors = thrown.errors.slice(0, MAX_CAUSES).map(error => jsonError(error, depth, causes + 1))
        text += `,"errors":[${errors.join(',')}]`
      }
    }
    return `${text}}`
  } catch {
    // An error with throwing getters, or whose name is a symbol.
    return '{"name":"Error","message":"[unreadable]"}'
  }
}
