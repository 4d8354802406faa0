import type { Schema } from '../schema/schema.ts'
import type { Shape } from '../schema/shape.ts'
import { resolveShape } from '../schema/shape.ts'
import { shapeOf } from '../schema/shape-of.ts'

/**
 * Checks a schema of what travels by itself: an object, or one of several. `tolerant`: for what is read by older versions, too. Throws a
 * `TypeError` that begins with `what`.
 */
export function checkMessageSchema(schema: Schema, what: string, reader: 'strict' | 'tolerant'): Shape {
  let shape: Shape
  try {
    shape = resolveShape(shapeOf(schema))
  } catch (cause) {
    throw new TypeError(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  if ((shape.kind !== 'object' && shape.kind !== 'union') || shape.nullable) {
    throw new TypeError(`${what} must be an object, to which members can be added later.`)
  }
  const strict = reader === 'tolerant' ? findStrict(shape, '', new Set()) : undefined
  if (strict !== undefined) {
    const where = strict === '' ? 'it' : `'${strict}'`
    throw new TypeError(
      `${what}: ${where} is strict, so that an older reader would refuse what a newer writer adds. Use a plain object; requests refuse unknown members anyway.`,
    )
  }
  return shape
}

/** Path of the first object that refuses unknown members by itself. */
function findStrict(shape: Shape, path: string, seen: Set<Shape>): string | undefined {
  const resolved = resolveShape(shape)
  if (seen.has(resolved)) return undefined
  seen.add(resolved)
  switch (resolved.kind) {
    case 'object': {
      if (resolved.strict) return path
      for (const [name, member] of resolved.members) {
        const found = findStrict(member.shape, path === '' ? name : `${path}.${name}`, seen)
        if (found !== undefined) return found
      }
      return undefined
    }
    case 'union':
      for (const variant of resolved.variants.values()) {
        const found = findStrict(variant, path, seen)
        if (found !== undefined) return found
      }
      return undefined
    case 'array':
      return findStrict(resolved.items, `${path}[]`, seen)
    case 'record':
      return findStrict(resolved.values, `${path}[*]`, seen)
    default:
      return undefined
  }
}
