import { convertedSchema, jsonSchemaOf } from './json-schema.ts'
import { appendMember, formatPath } from './path.ts'
import { sampleOf } from './sample.ts'
import type { Schema } from './schema.ts'
import type { Shape } from './shape.ts'
import { shapeDifference } from './shape.ts'
import { toShape } from './to-shape.ts'

// Schemas are immutable, so that what follows from one is worked out once; it is forgotten with the schema.
const memory = new WeakMap<Schema, Shape>()

/**
 * The shape of a schema. Throws a `TypeError`, whose message names the member and the reason, for a schema that can't serve both sides of
 * a call: one that transforms, that validates asynchronously, or that says what JSON and protobuf can't both say.
 *
 * A default is no transformation: it fills in what an older peer, or a caller over REST, leaves out.
 */
export function shapeOf(schema: Schema): Shape {
  const known = memory.get(schema)
  if (known !== undefined) return known
  const { json, inspection } = convertedSchema(schema, 'input')
  const shape = toShape(json)
  if (inspection === undefined || inspection.pipes) refuseTransforming(schema, shape)
  if (inspection === undefined || inspection.customChecks) refuseAsynchronous(schema, shape)
  if (inspection === undefined) refuseHoles(schema, shape)
  else if (inspection.holes !== undefined) throw hole(inspection.holes)
  memory.set(schema, shape)
  return shape
}

function refuseTransforming(schema: Schema, shape: Shape): void {
  const difference = shapeDifference(shape, toShape(jsonSchemaOf(schema, 'output')))
  if (difference === undefined) return
  throw new TypeError(
    `${difference === '' ? 'It' : `'${difference}'`} transforms: it accepts one type and gives another. Transform in the handler, where both sides of a call need not agree.`,
  )
}

/** Tries the schema on a plausible value: only a value that gets as far as the asynchronous check brings it to light. */
function refuseAsynchronous(schema: Schema, shape: Shape): void {
  let result: unknown
  try {
    result = schema['~standard'].validate(sampleOf(shape))
  } catch {
    return // A check of the user's that throws for the sample says nothing about being asynchronous.
  }
  if (!(result instanceof Promise)) return
  result.catch(() => undefined) // Nobody waits for this trial; a rejection must not end the process.
  throw new TypeError('It validates asynchronously. Check in the handler what has to be waited for.')
}

/** JSON has no undefined; a library may let arrays hold it all the same, and its JSON Schema does not tell. */
function refuseHoles(schema: Schema, shape: Shape): void {
  const sample = sampleOf(shape, { items: 'undefined' })
  const holes = holesOf(sample, '')
  if (holes.length === 0) return
  let result: ReturnType<Schema['~standard']['validate']>
  try {
    result = schema['~standard'].validate(sample)
  } catch {
    return // As above.
  }
  if (result instanceof Promise) return
  const refused = (result.issues ?? []).map(issue => formatPath(issue.path))
  const accepted = holes.find(hole => !refused.some(path => hole.startsWith(path)))
  if (accepted !== undefined) throw hole(accepted)
}

function hole(path: string): TypeError {
  return new TypeError(`'${path}' may be undefined, which JSON can't say in an array.`)
}

function holesOf(value: unknown, path: string): string[] {
  if (Array.isArray(value))
    return value.flatMap(item => (item === undefined ? [`${path}[0]`] : holesOf(item, `${path}[0]`)))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) => holesOf(member, appendMember(path, name)))
}
