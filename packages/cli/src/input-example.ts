import type { Operation } from 'trellis/contract'
import type { JsonSchema } from 'trellis/schema'
import { jsonSchemaOf, sampleOf, shapeOf } from 'trellis/schema'

/** An input to try: the first example that the schema gives (`.meta({ examples: [...] })` in zod), else a plausible one of its shape. */
export function inputExample({ input }: Operation): Readonly<Record<string, unknown>> {
  const { examples } = named(jsonSchemaOf(input, 'input')) as { readonly examples?: readonly unknown[] }
  const value = examples?.[0] ?? sampleOf(shapeOf(input))
  return value as Readonly<Record<string, unknown>> // inputs are objects
}

/** A schema that has a name is a reference to its definition. */
function named(schema: JsonSchema): JsonSchema {
  const { $ref, $defs } = schema as { readonly $ref?: string; readonly $defs?: Readonly<Record<string, JsonSchema>> }
  return $ref === undefined ? schema : ($defs?.[$ref.slice($ref.lastIndexOf('/') + 1)] ?? schema)
}
