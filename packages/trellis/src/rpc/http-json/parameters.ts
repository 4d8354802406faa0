import { Fault } from '../../kernel/fault.ts'
import type { Schema } from '../../schema/schema.ts'
import type { Shape } from '../../schema/shape.ts'
import { resolveShape } from '../../schema/shape.ts'
import { shapeOf } from '../../schema/shape-of.ts'

/** Reads the texts of one parameter, as its type says. */
export type Coercion = (texts: readonly string[]) => unknown

/** How the members of an input are read from texts, by name. */
export function coercions(schema: Schema, names?: readonly string[]): ReadonlyMap<string, Coercion> {
  const shape = resolveShape(shapeOf(schema))
  const all = new Map<string, Coercion>()
  if (shape.kind !== 'object') return all
  for (const [name, member] of shape.members) {
    if (names !== undefined && !names.includes(name)) continue
    const own = resolveShape(member.shape)
    const read = (text: string): unknown => scalar(own.kind === 'array' ? resolveShape(own.items) : own, text)
    all.set(name, texts => {
      if (own.kind === 'array') return texts.map(read)
      if (texts.length > 1) {
        throw new Fault('invalid_argument', `'${name}' is given more than once.`, { reason: 'INVALID_INPUT' })
      }
      return read(texts[0] as string)
    })
  }
  return all
}

/** What is no number stays text, for validation to refuse with its path. */
function scalar(shape: Shape, text: string): unknown {
  switch (shape.kind) {
    case 'integer':
      return /^(0|-?[1-9][0-9]{0,15})$/.test(text) ? Number(text) : text
    case 'number':
      return /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(text) ? Number(text) : text
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    default:
      return text
  }
}
