import { Fault } from '../../kernel/fault.ts'
import { coerceText } from '../../schema/coerce.ts'
import type { Schema } from '../../schema/schema.ts'
import type { Shape } from '../../schema/shape.ts'
import { resolveShape } from '../../schema/shape.ts'
import { shapeOf } from '../../schema/shape-of.ts'

/** Reads the texts of one parameter, as its type says. What its type does not know stays text, for validation to refuse with its path. */
export type Coercion = (texts: readonly string[]) => unknown

/** How the members of an input are read from texts, by name; of a union those of all its variants. */
export function coercions(schema: Schema): ReadonlyMap<string, Coercion> {
  const all = new Map<string, Coercion>()
  const shape = resolveShape(shapeOf(schema))
  const variants = shape.kind === 'object' ? [shape] : shape.kind === 'union' ? shape.variants.values() : []
  for (const { members } of variants) {
    for (const [name, member] of members) all.set(name, coercion(name, resolveShape(member.shape)))
  }
  return all
}

function coercion(name: string, shape: Shape): Coercion {
  if (shape.kind === 'array') return texts => texts.map(text => coerceText(text, shape.items))
  return texts => {
    if (texts.length === 1) return coerceText(texts[0] as string, shape)
    throw new Fault('invalid_argument', `'${name}' is given more than once.`, { reason: 'INVALID_INPUT' })
  }
}
