import type { JsonSchema, Schema } from './schema.ts'
import type { ZodInspection } from './zod-inspection.ts'
import { inspectingOptions } from './zod-inspection.ts'

/** What a schema accepts, or what it gives. They differ in defaults alone. */
export type SchemaSide = 'input' | 'output'

/** A JSON Schema, with what is known beside it. */
export interface ConvertedSchema {
  readonly json: JsonSchema
  /** Undefined for schemas of other libraries than zod. */
  readonly inspection: ZodInspection | undefined
}

// Schemas are immutable, so that what follows from one is worked out once; it is forgotten with the schema.
const memory: Record<SchemaSide, WeakMap<Schema, ConvertedSchema>> = { input: new WeakMap(), output: new WeakMap() }

/**
 * The JSON Schema (draft 2020-12) of a schema. Throws a `TypeError` for a schema that says more than JSON can, such as a `Date` or a
 * transformation, naming the member where the library tells it.
 */
export function jsonSchemaOf(schema: Schema, side: SchemaSide): JsonSchema {
  return convertedSchema(schema, side).json
}

/** `jsonSchemaOf`, with what is known beside it. */
export function convertedSchema(schema: Schema, side: SchemaSide): ConvertedSchema {
  const known = memory[side].get(schema)
  if (known !== undefined) return known
  const converted = convert(schema, side)
  memory[side].set(schema, converted)
  return converted
}

function convert(schema: Schema, side: SchemaSide): ConvertedSchema {
  const standard = schema?.['~standard']
  if (standard?.jsonSchema === undefined) {
    throw new TypeError(
      'It is not a Standard Schema with Standard JSON Schema (https://standardschema.dev); use a library that has both, such as zod 4.2 or newer.',
    )
  }
  const zod = standard.vendor === 'zod'
  try {
    if (!zod) return { json: standard.jsonSchema[side]({ target: 'draft-2020-12' }), inspection: undefined }
    const { libraryOptions, inspection } = inspectingOptions(false)
    return { json: standard.jsonSchema[side]({ target: 'draft-2020-12', libraryOptions }), inspection }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    const path = zod ? unsayable(schema, side) : undefined
    throw new TypeError(`${path === undefined ? 'It' : `'${path}'`} can't be said in JSON: ${reason}.`, { cause })
  }
}

/** Where zod finds what JSON Schema can't say; its error does not name the place. */
function unsayable(schema: Schema, side: SchemaSide): string | undefined {
  const { libraryOptions, inspection } = inspectingOptions(true)
  try {
    schema['~standard'].jsonSchema[side]({ target: 'draft-2020-12', libraryOptions })
  } catch {
    return undefined // Only the name of the place is lost; the reason has been caught above.
  }
  return inspection.unsayable === '' ? undefined : inspection.unsayable
}
