import type { JsonSchema } from './schema.ts'
import type { IntegerShape, NumberShape, Shape } from './shape.ts'

/** The shape of text. */
export function stringShape(schema: JsonSchema, path: string): Shape {
  if (schema.format === 'binary') refuse(path, 'is a file; send text, or base64')
  const format = typeof schema.format === 'string' ? schema.format : undefined
  const minLength = typeof schema.minLength === 'number' ? schema.minLength : 0
  return { kind: 'string', nullable: false, values: undefined, format, minLength }
}

/** The shape of a whole number, with exclusive bounds made inclusive. */
export function integerShape(schema: JsonSchema): IntegerShape {
  const minimum = Math.max(lowest(schema, 1), Number.MIN_SAFE_INTEGER)
  const maximum = Math.min(highest(schema, 1), Number.MAX_SAFE_INTEGER)
  return { kind: 'integer', nullable: false, minimum: Math.ceil(minimum), maximum: Math.floor(maximum) }
}

/** The shape of a double. */
export function numberShape(schema: JsonSchema): NumberShape {
  return { kind: 'number', nullable: false, minimum: lowest(schema), maximum: highest(schema) }
}

function lowest(schema: JsonSchema, step = 0): number {
  const { minimum, exclusiveMinimum } = schema
  return Math.max(
    typeof minimum === 'number' ? minimum : Number.NEGATIVE_INFINITY,
    typeof exclusiveMinimum === 'number' ? Math.floor(exclusiveMinimum) + step : Number.NEGATIVE_INFINITY,
  )
}

function highest(schema: JsonSchema, step = 0): number {
  const { maximum, exclusiveMaximum } = schema
  return Math.min(
    typeof maximum === 'number' ? maximum : Number.POSITIVE_INFINITY,
    typeof exclusiveMaximum === 'number' ? Math.ceil(exclusiveMaximum) - step : Number.POSITIVE_INFINITY,
  )
}

/** The shape of what has only some values: all text, all numbers, or booleans. */
export function enumerationShape(values: readonly unknown[], schema: JsonSchema, path: string): Shape {
  const others = values.filter(value => value !== null)
  const withNull = others.length < values.length
  const [first] = others
  if (first === undefined || others.some(value => typeof value !== typeof first)) {
    return refuse(path, `has the values ${JSON.stringify(values)}; use values of one type`)
  }
  switch (typeof first) {
    case 'string': {
      const shape = { kind: 'string', nullable: withNull, values: others as string[], format: undefined } as const
      return { ...shape, minLength: 0 }
    }
    case 'boolean':
      return { kind: 'boolean', nullable: withNull, value: others.length === 1 ? first : undefined }
    case 'number': {
      const numbers = others as number[]
      const bounds = { nullable: withNull, minimum: Math.min(...numbers), maximum: Math.max(...numbers) }
      return { kind: numbers.every(Number.isSafeInteger) ? 'integer' : 'number', ...bounds }
    }
    default:
      return refuse(path, `has the value ${JSON.stringify(first)} of type '${String(schema.type)}'; use strings`)
  }
}

/** Throws the `TypeError` of a type that JSON and protobuf can't both say. */
export function refuse(path: string, reason: string): never {
  throw new TypeError(`${path === '' ? 'It' : `'${path}'`} ${reason}.`)
}
