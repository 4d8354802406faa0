import type { Operation } from 'trellis/contract'
import { jsonSchemaOf, sampleOf, shapeOf } from 'trellis/schema'

/** An input to try: the first example that the schema gives (`.meta({ examples: [...] })` in zod), else a plausible one of its shape. */
export function inputExample({ input }: Operation): Readonly<Record<string, unknown>> {
  const { examples } = jsonSchemaOf(input, 'input') as { readonly examples?: readonly unknown[] }
  const value = examples?.[0] ?? sampleOf(shapeOf(input))
  return value as Readonly<Record<string, unknown>> // inputs are objects
}
