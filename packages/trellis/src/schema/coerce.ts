import type { Shape } from './shape.ts'
import { resolveShape } from './shape.ts'

const INTEGER = /^(0|-?[1-9][0-9]{0,15})$/
const NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/

/**
 * The scalar that a text of a path, query or header stands for, as its shape says. Strict, so that a value has one spelling: `1e3`, `0x10`,
 * ` 1`, `01` and `-0` are no integers, and booleans are `true` and `false`. What stands for nothing stays text, which validation refuses
 * with its path.
 */
export function coerceText(text: string, shape: Shape): string | number | boolean {
  switch (resolveShape(shape).kind) {
    case 'integer':
      return INTEGER.test(text) ? Number(text) : text
    case 'number':
      return NUMBER.test(text) ? Number(text) : text
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text
    default:
      return text
  }
}
