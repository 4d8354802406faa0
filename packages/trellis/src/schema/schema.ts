import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'

/**
 * A schema: any library's that speaks Standard Schema and Standard JSON Schema (https://standardschema.dev), such as zod 4.
 * It must validate synchronously and without transforming: what it accepts and what it gives are the same type, because both sides of a call use it.
 */
export interface Schema<T = unknown> {
  readonly '~standard': StandardSchemaV1.Props<unknown, T> & StandardJSONSchemaV1.Props<unknown, T>
}

/** The type that a schema describes. */
export type Infer<S extends Schema> = S extends Schema<infer T> ? T : never

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>
