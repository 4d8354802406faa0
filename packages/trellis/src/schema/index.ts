export type { Infer, JsonSchema, Schema } from './schema.ts'
