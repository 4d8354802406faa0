/**
 * How an operation's input travels over REST: path and query by name, the rest in the JSON body.
 */
import { Fault } from '../kernel/fault.ts'
import { appendMember } from '../schema/path.ts'
import type { Member, ObjectShape, Shape } from '../schema/shape.ts'
import { resolveShape } from '../schema/shape.ts'
import { shapeOf } from '../schema/shape-of.ts'
import { invalidInput } from '../schema/validator.ts'
import type { Violation } from '../schema/walk.ts'
import type { HttpPattern } from './http-pattern.ts'
import { parseHttpPattern } from './http-pattern.ts'
import type { Operation } from './operation.ts'
import { defineMember, readParameter, readQuery, report } from './parameters.ts'

/** An input as it is sent. */
export interface RestRequest {
  /** Path and query, percent-encoded. */
  readonly target: string
  /** Undefined for methods without a body. */
  readonly body: Readonly<Record<string, unknown>> | undefined
}

/** Reads and writes the inputs of one operation. */
export interface RestInput {
  readonly pattern: HttpPattern
  /** Members that travel in the query, in the order of the schema; empty for methods with a body. */
  readonly queryMembers: ReadonlyMap<string, Member>
  /** Members that travel in the body; empty for methods without one. */
  readonly bodyMembers: ReadonlyMap<string, Member>
  /**
   * Puts an input together, to be validated. `path`: the decoded parameters in the order of the path. `query`: without its question mark.
   * `body`: parsed, undefined when there was none. Throws `invalid_argument`.
   */
  read(path: readonly string[], query: string, body: unknown): Record<string, unknown>
  /** Takes a valid input apart. Throws `invalid_argument` for a path parameter that no path can carry: empty, `.` or `..`. */
  write(input: unknown): RestRequest
}

/**
 * The REST form of an operation's input. Throws a `TypeError` for an input that has none: a path parameter that is no required scalar, a
 * query member that is neither a scalar nor a list of scalars.
 */
export function restInput(operation: Pick<Operation, 'http' | 'input'>): RestInput {
  if (operation.http === undefined) throw new TypeError('The operation has no HTTP route.')
  const pattern = parseHttpPattern(operation.http)
  const shape = resolveShape(shapeOf(operation.input))
  const members = objectMembers(shape, pattern)
  const pathMembers = pattern.parameters.map(name => pathMember(name, members, operation.http!))
  const others = new Map([...members].filter(([name]) => !pattern.parameters.includes(name)))
  const empty: ReadonlyMap<string, Member> = new Map()
  const queryMembers = pattern.hasBody ? empty : others
  for (const [name, member] of queryMembers) checkQueryMember(name, member, operation.http)
  const requiredLists = [...queryMembers].filter(([, { required, shape }]) => required && shape.kind === 'array')

  return {
    pattern,
    queryMembers,
    // Members of a union differ by variant; the body carries whatever is not in the path.
    bodyMembers: pattern.hasBody ? others : empty,
    read: (path, query, body) => {
      const violations: Violation[] = []
      const input: Record<string, unknown> = {}
      if (body !== undefined) readBody(pattern, body, input, violations)
      for (let index = 0; index < pathMembers.length; index++) {
        const name = pattern.parameters[index]!
        readParameter(input, name, path[index]!, pathMembers[index]!, violations)
      }
      // A query says an empty list by leaving it out.
      for (const [name] of requiredLists) input[name] = []
      if (query !== '') readQuery(query, queryMembers, input, violations)
      if (violations.length > 0) throw invalidInput(violations)
      return input
    },
    write: input => write(pattern, queryMembers, input as Readonly<Record<string, unknown>>),
  }
}

function objectMembers(shape: Shape, pattern: HttpPattern): ReadonlyMap<string, Member> {
  if (shape.kind === 'object') return shape.members
  if (shape.kind === 'union' && pattern.hasBody) {
    // What all variants have can be named in the path.
    const [first, ...rest] = new Set(shape.variants.values())
    return new Map([...first!.members].filter(([name]) => rest.every(variant => variant.members.has(name))))
  }
  throw new TypeError(`${pattern.method} ${pattern.path}: the input must be an object.`)
}

function pathMember(name: string, members: ObjectShape['members'], http: string): Shape {
  const member = members.get(name)
  if (member === undefined) throw new TypeError(`${http}: the input has no member '${name}'.`)
  if (!member.required || member.shape.nullable || !isScalar(member.shape)) {
    throw new TypeError(`${http}: '${name}' is in the path and must be a required string, number or boolean.`)
  }
  return member.shape
}

function checkQueryMember(name: string, member: Member, http: string): void {
  const shape = resolveShape(member.shape)
  const scalar = shape.kind === 'array' ? shape.items : shape
  if (!isScalar(scalar)) {
    throw new TypeError(
      `${http}: '${name}' travels in the query and must be a string, number or boolean, or a list of them.`,
    )
  }
  if (member.shape.nullable) {
    throw new TypeError(`${http}: '${name}' travels in the query, which can't say null; make it optional.`)
  }
}

function isScalar(shape: Shape): boolean {
  return shape.kind === 'string' || shape.kind === 'integer' || shape.kind === 'number' || shape.kind === 'boolean'
}

function readBody(pattern: HttpPattern, body: unknown, input: Record<string, unknown>, violations: Violation[]): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    violations.push({ path: '', message: 'the body must be a JSON object.' })
    return
  }
  if (!pattern.hasBody && Object.keys(body).length > 0) {
    violations.push({ path: '', message: `${pattern.method} takes no body; use the query.` })
    return
  }
  for (const [name, value] of Object.entries(body)) {
    if (!pattern.parameters.includes(name)) defineMember(input, name, value)
    else report(violations, appendMember('', name), 'is in the path; leave it out of the body.')
  }
}

function write(
  pattern: HttpPattern,
  queryMembers: ReadonlyMap<string, Member>,
  input: Readonly<Record<string, unknown>>,
): RestRequest {
  let target = ''
  for (const segment of pattern.segments) {
    target += `/${segment.kind === 'literal' ? segment.text : encodeSegment(segment.name, input[segment.name])}`
  }
  if (target === '') target = '/'
  if (!pattern.hasBody) {
    const pairs: string[] = []
    for (const name of queryMembers.keys()) {
      const value = input[name]
      if (value === undefined) continue
      for (const item of Array.isArray(value) ? value : [value]) {
        pairs.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(item))}`)
      }
    }
    return { target: pairs.length === 0 ? target : `${target}?${pairs.join('&')}`, body: undefined }
  }
  const body: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(input)) {
    if (!pattern.parameters.includes(name) && value !== undefined) defineMember(body, name, value)
  }
  return { target, body }
}

function encodeSegment(name: string, value: unknown): string {
  const text = String(value)
  if (text !== '' && text !== '.' && text !== '..') return encodeURIComponent(text)
  throw new Fault('invalid_argument', `'${name}' is '${text}', which no path can carry; give another value.`, {
    reason: 'INVALID_INPUT',
    details: { violations: [{ path: name, message: "must not be empty, '.' or '..'." }] },
  })
}
