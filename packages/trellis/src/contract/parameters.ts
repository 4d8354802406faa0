/** Strings of paths and queries as the values of members: strictly, so that a value has one spelling. */
import { appendIndex, appendMember } from '../schema/path.ts'
import type { Member, Shape } from '../schema/shape.ts'
import { resolveShape } from '../schema/shape.ts'
import type { Violation } from '../schema/walk.ts'
import { MAX_VIOLATIONS } from '../schema/walk.ts'

/** Reads `application/x-www-form-urlencoded` (WHATWG URL, section 5.1), but refuses what is not UTF-8. */
export function readQuery(
  query: string,
  members: ReadonlyMap<string, Member>,
  input: Record<string, unknown>,
  violations: Violation[],
): void {
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decodeForm(equals < 0 ? pair : pair.slice(0, equals))
    const text = equals < 0 ? '' : decodeForm(pair.slice(equals + 1))
    if (name === undefined || text === undefined) {
      report(violations, '', 'the query is not percent-encoded UTF-8.')
      continue
    }
    const member = members.get(name)
    if (member === undefined)
      report(violations, appendMember('', name), 'is not a known query parameter; leave it out.')
    else readQueryMember(name, text, member, input, violations)
  }
}

function readQueryMember(
  name: string,
  text: string,
  member: Member,
  input: Record<string, unknown>,
  violations: Violation[],
): void {
  const shape = resolveShape(member.shape)
  if (shape.kind !== 'array') {
    if (Object.hasOwn(input, name)) report(violations, appendMember('', name), 'is given twice; give it once.')
    else readParameter(input, name, text, shape, violations)
    return
  }
  const list = (Object.hasOwn(input, name) ? input[name] : []) as unknown[]
  input[name] = list
  const value = coerce(text, shape.items)
  if (value === undefined) {
    report(violations, appendIndex(appendMember('', name), list.length), expectation(shape.items))
  }
  list.push(value)
}

/** Reads one path parameter, or one value of the query, into the input. */
export function readParameter(
  input: Record<string, unknown>,
  name: string,
  text: string,
  shape: Shape,
  violations: Violation[],
): void {
  const value = coerce(text, shape)
  if (value === undefined) report(violations, appendMember('', name), expectation(shape))
  else defineMember(input, name, value)
}

const INTEGER = /^(0|-?[1-9][0-9]*)$/
const NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/

/** The value that a string of a path or query stands for; undefined when it stands for none. */
export function coerce(text: string, shape: Shape): string | number | boolean | undefined {
  switch (shape.kind) {
    case 'string':
      return text
    case 'integer':
      return INTEGER.test(text) ? Number(text) : undefined
    case 'number':
      return NUMBER.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined
    default:
      return undefined
  }
}

function expectation(shape: Shape): string {
  switch (shape.kind) {
    case 'integer':
      return 'must be an integer in decimal digits.'
    case 'number':
      return 'must be a number.'
    default:
      return "must be 'true' or 'false'."
  }
}

function decodeForm(text: string): string | undefined {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return undefined // A URIError: the encoding is malformed.
  }
}

/** Plain assignment, but to `__proto__`: that would change the prototype in place of adding a member. */
export function defineMember(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
  } else target[name] = value
}

/** Notes a violation, unless there are too many already. */
export function report(violations: Violation[], path: string, message: string): void {
  if (violations.length < MAX_VIOLATIONS) violations.push({ path, message })
}
