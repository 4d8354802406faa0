/**
 * Walks a value beside its shape before the schema's own library sees it: finds unknown members, bounds the depth, and reads decimal
 * strings where the shape has a 64-bit integer. Hot: runs for every request. Compiled to closures once per schema; the path is a stack
 * that becomes text only for a violation.
 */
import { appendIndex, appendMember } from './path.ts'
import type { IntegerShape, Member, ObjectShape, Shape, UnionShape } from './shape.ts'
import { isInt64, resolveShape } from './shape.ts'

/** One thing wrong with a value. */
export interface Violation {
  /** Where, such as `items[0].quantity`; empty for the value itself. */
  readonly path: string
  readonly message: string
}

/** Deepest nesting that is read. Far above what contracts need, far below what ends a stack. */
export const MAX_DEPTH = 64

/** Most violations that are reported; one caller's mistakes must not become a large answer. */
export const MAX_VIOLATIONS = 20

/** Walks a value and gives it back, with strings in the place of 64-bit integers read as numbers. Appends what it finds to `violations`. */
export type Walk = (value: unknown, violations: Violation[]) => unknown

interface State {
  readonly path: (string | number)[]
  violations: Violation[]
}

type Check = (value: unknown, state: State) => unknown

/** What a walk looks for. */
export interface WalkOptions {
  readonly unknownMembers: 'refuse' | 'ignore'
  /** Reads decimal strings where the shape has an integer beyond 32 bits, and puts the numbers into the value. */
  readonly int64Strings: boolean
}

/** Compiles the walk of a shape. */
export function compileWalk(shape: Shape, options: WalkOptions): Walk {
  const refuse = options.unknownMembers === 'refuse'
  const compiled = new Map<Shape, { check: Check | undefined }>()
  const check = compile(shape)
  if (check === undefined) return value => value
  const path: (string | number)[] = []
  const state: State = { path, violations: [] }
  return (value, violations) => {
    path.length = 0
    state.violations = violations
    return check(value, state)
  }

  /** Undefined where there is nothing to look at, so that scalars cost nothing. */
  function compile(shape: Shape): Check | undefined {
    const resolved = resolveShape(shape)
    const known = compiled.get(resolved)
    // A type within itself: its check is looked up when it runs, since it is not there yet.
    if (known !== undefined) return known.check ?? ((value, state) => known.check!(value, state))
    switch (resolved.kind) {
      case 'object':
      case 'union':
      case 'array':
      case 'record': {
        const slot: { check: Check | undefined } = { check: undefined }
        compiled.set(resolved, slot)
        slot.check = composite(resolved)
        return slot.check
      }
      case 'json':
        return checkJson
      case 'integer':
        return options.int64Strings && isInt64(resolved)
          ? value => (typeof value === 'string' ? readInt64(value, resolved) : value)
          : undefined
      default:
        return undefined
    }
  }

  function composite(shape: Extract<Shape, { kind: 'object' | 'union' | 'array' | 'record' }>): Check {
    switch (shape.kind) {
      case 'object':
        return object(shape)
      case 'union':
        return union(shape)
      case 'array': {
        const items = compile(shape.items)
        return items === undefined
          ? value => value
          : (value, state) => (Array.isArray(value) ? checkItems(value, items, state) : value)
      }
      case 'record': {
        const values = compile(shape.values)
        return (value, state) => (isObject(value) ? checkEntries(value, values, state) : value)
      }
    }
  }

  function object(shape: ObjectShape): Check {
    const members = membersOf(shape.members)
    return (value, state) => (isObject(value) ? checkMembers(value, members, state) : value)
  }

  function union(shape: UnionShape): Check {
    const variants = new Map<string, Check>()
    for (const [value, variant] of shape.variants) variants.set(value, compile(variant)!)
    const { discriminator } = shape
    return (value, state) => {
      if (!isObject(value)) return value
      const variant = variants.get(value[discriminator] as string)
      // Without a variant there is nothing to compare with: the library refuses the value by its discriminator.
      return variant === undefined ? value : variant(value, state)
    }
  }

  function membersOf(members: ReadonlyMap<string, Member>): ReadonlyMap<string, Check | null> {
    const checks = new Map<string, Check | null>()
    for (const [name, member] of members) checks.set(name, compile(member.shape) ?? null)
    return checks
  }

  function checkMembers(value: Fields, members: ReadonlyMap<string, Check | null>, state: State): Fields {
    const { path } = state
    if (path.length >= MAX_DEPTH) return tooDeep(value, state)
    for (const name in value) {
      const check = members.get(name)
      if (check === null) continue
      if (check === undefined) {
        if (refuse) report(state, name, 'is not a known member; leave it out.')
        continue
      }
      const member = value[name]
      path.push(name)
      const read = check(member, state)
      path.pop()
      if (read !== member) value[name] = read
    }
    return value
  }
}

type Fields = Record<string, unknown>

function checkItems(value: unknown[], items: Check, state: State): unknown[] {
  const { path } = state
  if (path.length >= MAX_DEPTH) return tooDeep(value, state)
  for (let index = 0; index < value.length; index++) {
    const item = value[index]
    path.push(index)
    const read = items(item, state)
    path.pop()
    if (read !== item) value[index] = read
  }
  return value
}

function checkEntries(value: Fields, values: Check | undefined, state: State): Fields {
  const { path } = state
  if (path.length >= MAX_DEPTH) return tooDeep(value, state)
  for (const name in value) {
    // Assigning such a name, as libraries that copy records do, would change the copy's prototype.
    if (name === '__proto__') {
      report(state, name, 'is a name that is not allowed; use another.')
      continue
    }
    if (values === undefined) continue
    const member = value[name]
    path.push(name)
    const read = values(member, state)
    path.pop()
    if (read !== member) value[name] = read
  }
  return value
}

function checkJson(value: unknown, state: State): unknown {
  if (Array.isArray(value)) return checkItems(value, checkJson, state)
  return isObject(value) ? checkEntries(value, checkJson, state) : value
}

const INTEGER = /^(0|-?[1-9][0-9]{0,15})$/

/** A decimal string as protobuf's JSON writes 64-bit integers; anything else stays, to be refused by the library. */
function readInt64(text: string, shape: IntegerShape): unknown {
  if (!INTEGER.test(text)) return text
  const number = Number(text)
  return number >= shape.minimum && number <= shape.maximum ? number : text
}

function tooDeep<T>(value: T, state: State): T {
  if (state.violations.length < MAX_VIOLATIONS) {
    state.violations.push({
      path: pathText(state.path.slice(0, 8)),
      message: `is nested deeper than ${MAX_DEPTH} levels.`,
    })
  }
  return value
}

function report(state: State, name: string, message: string): void {
  if (state.violations.length >= MAX_VIOLATIONS) return
  state.violations.push({ path: appendMember(pathText(state.path), name), message })
}

function pathText(path: readonly (string | number)[]): string {
  let text = ''
  for (const segment of path)
    text = typeof segment === 'number' ? appendIndex(text, segment) : appendMember(text, segment)
  return text
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
