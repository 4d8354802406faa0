import type { JsonSchema, Schema } from './schema.ts'

/** What a schema accepts, or what it gives. They differ in defaults alone. */
export type SchemaSide = 'input' | 'output'

// Schemas are immutable, so that what follows from one is worked out once; it is forgotten with the schema.
const memory = new WeakMap<Schema, Partial<Record<SchemaSide, JsonSchema>>>()

/**
 * The JSON Schema (draft 2020-12) of a schema. Throws a `TypeError` for a schema that says more than JSON can, such as a `Date` or a
 * transformation, naming the member where the library tells it.
 */
export function jsonSchemaOf(schema: Schema, side: SchemaSide): JsonSchema {
  let sides = memory.get(schema)
  if (sides?.[side] === undefined) {
    sides = { ...sides, [side]: convert(schema, side) }
    memory.set(schema, sides)
  }
  return sides[side]!
}

function convert(schema: Schema, side: SchemaSide): JsonSchema {
  const converter = schema?.['~standard']?.jsonSchema
  if (converter === undefined) {
    throw new TypeError(
      'It is not a Standard Schema with Standard JSON Schema (https://standardschema.dev); use a library that has both, such as zod 4.2 or newer.',
    )
  }
  try {
    return converter[side]({ target: 'draft-2020-12' })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const path = unsayable(schema, side)
    throw new TypeError(`${path === undefined ? 'It' : `'${path}'`} can't be said in JSON: ${reason}.`, {
      cause: error,
    })
  }
}

const ZOD_TYPES_WITHOUT_JSON: ReadonlySet<string> = new Set([
  ...[
    'transform',
    'date',
    'bigint',
    'symbol',
    'undefined',
    'void',
    'map',
    'set',
    'nan',
    'custom',
    'function',
    'promise',
  ],
])

/** Where zod finds what JSON Schema can't say; its error does not name the place. Undefined for other libraries. */
function unsayable(schema: Schema, side: SchemaSide): string | undefined {
  if (schema['~standard'].vendor !== 'zod') return undefined
  let found: string | undefined
  const override = (node: ZodNode): void => {
    if (ZOD_TYPES_WITHOUT_JSON.has(node.zodSchema._zod.def.type)) found ??= memberPath(node.path)
  }
  try {
    schema['~standard'].jsonSchema[side]({
      target: 'draft-2020-12',
      libraryOptions: { unrepresentable: 'any', override },
    })
  } catch {
    return undefined // Only the name of the place is lost; the reason has been caught above.
  }
  return found === '' ? undefined : found
}

interface ZodNode {
  readonly zodSchema: { readonly _zod: { readonly def: { readonly type: string } } }
  readonly path: readonly (string | number)[]
}

/** `['properties', 'a', 'items']` as `a[]`. */
function memberPath(path: readonly (string | number)[]): string {
  let text = ''
  for (let at = 0; at < path.length; at++) {
    if (path[at] === 'items') text += '[]'
    else if (path[at] === 'additionalProperties') text += '[*]'
    else if (path[at] === 'properties') text += `${text === '' ? '' : '.'}${path[++at]}`
  }
  return text
}
