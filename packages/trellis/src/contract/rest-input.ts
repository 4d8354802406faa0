import type { Member, ObjectShape, Shape } from '../schema/shape.ts'
import { resolveShape } from '../schema/shape.ts'
import { shapeOf } from '../schema/shape-of.ts'
import type { HttpPattern } from './http-pattern.ts'
import { parseHttpPattern } from './http-pattern.ts'
import type { Operation } from './operation.ts'

/** How an operation's input travels over REST: path and query by name, the rest in the JSON body. */
export interface RestInput {
  readonly pattern: HttpPattern
  /** Members that travel in the query; empty for methods with a body. */
  readonly queryMembers: ReadonlyMap<string, Member>
  /** Members that travel in the body, of a union those that all variants have; empty for methods without a body. */
  readonly bodyMembers: ReadonlyMap<string, Member>
}

const NONE: ReadonlyMap<string, Member> = new Map()

/**
 * The REST form of an operation's input. Throws a `TypeError` for an input that has none: a path parameter that is no required scalar, a
 * query member that is neither a scalar nor a list of scalars.
 */
export function restInput(operation: Pick<Operation, 'http' | 'input'>): RestInput {
  if (operation.http === undefined) throw new TypeError('The operation has no HTTP route.')
  const pattern = parseHttpPattern(operation.http)
  const members = objectMembers(resolveShape(shapeOf(operation.input)), pattern)
  for (const name of pattern.parameters) checkPathMember(name, members, operation.http)
  const others = new Map([...members].filter(([name]) => !pattern.parameters.includes(name)))
  if (pattern.hasBody) return { pattern, queryMembers: NONE, bodyMembers: others }
  for (const [name, member] of others) checkQueryMember(name, member, operation.http)
  return { pattern, queryMembers: others, bodyMembers: NONE }
}

function objectMembers(shape: Shape, pattern: HttpPattern): ReadonlyMap<string, Member> {
  if (shape.kind === 'object') return shape.members
  if (shape.kind === 'union' && pattern.hasBody) {
    const [first, ...rest] = new Set(shape.variants.values())
    return new Map([...first!.members].filter(([name]) => rest.every(variant => variant.members.has(name))))
  }
  throw new TypeError(`${pattern.method} ${pattern.path}: the input must be an object.`)
}

function checkPathMember(name: string, members: ObjectShape['members'], http: string): void {
  const member = members.get(name)
  if (member === undefined) throw new TypeError(`${http}: the input has no member '${name}'.`)
  if (!member.required || member.shape.nullable || !isScalar(member.shape)) {
    throw new TypeError(`${http}: '${name}' is in the path and must be a required string, number or boolean.`)
  }
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
