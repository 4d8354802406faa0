export { coerceText } from './coerce.ts'
export { parseJson, stringifyJson } from './json.ts'
export type { SchemaSide } from './json-schema.ts'
export { jsonSchemaOf } from './json-schema.ts'
export type { SampleOptions } from './sample.ts'
export { sampleOf } from './sample.ts'
export type { Infer, JsonSchema, Schema } from './schema.ts'
export type {
  ArrayShape,
  BooleanShape,
  IntegerShape,
  JsonShape,
  Member,
  NumberShape,
  ObjectShape,
  RecordShape,
  ReferenceShape,
  Shape,
  StringShape,
  UnionShape,
} from './shape.ts'
export { isInt64, resolveShape } from './shape.ts'
export { shapeOf } from './shape-of.ts'
export type { Validator, ValidatorOptions } from './validator.ts'
export { invalidInput, validator } from './validator.ts'
export type { Violation } from './walk.ts'
export { MAX_DEPTH, MAX_VIOLATIONS } from './walk.ts'
