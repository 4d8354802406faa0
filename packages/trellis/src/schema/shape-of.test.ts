import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import type { Schema } from './schema.ts'
import { resolveShape } from './shape.ts'
import { shapeOf } from './shape-of.ts'
import { toShape } from './to-shape.ts'

/** The same schema, as another library would give it: without what is known of zod. */
function foreign(schema: Schema): Schema {
  const { validate, jsonSchema } = schema['~standard']
  return { '~standard': { version: 1, vendor: 'another', validate, jsonSchema } }
}

function refusal(schema: Schema): string {
  try {
    shapeOf(schema)
  } catch (error) {
    assert.ok(error instanceof TypeError)
    return error.message
  }
  return 'accepted'
}

const tree = z.object({
  name: z.string(),
  get children() {
    return z.array(tree)
  },
})
const chained = z.object({
  value: z.int(),
  get next() {
    return chained.optional()
  },
})
const union = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('card'), last4: z.string() }),
  z.object({ kind: z.enum(['cash', 'voucher']) }),
])

const accepted: Record<string, Schema> = {
  'string enums, literals and formats': z.object({
    a: z.enum(['x', 'y']),
    b: z.literal('z'),
    c: z.iso.datetime(),
    d: z.email(),
  }),
  'optional members': z.object({ a: z.string().optional(), b: z.array(z.int()).optional() }),
  'nullable members': z.object({
    a: z.string().nullable(),
    b: z.object({ c: z.int() }).nullable(),
    d: z.enum(['x']).nullable(),
  }),
  'integers, numbers, booleans': z.object({ a: z.int(), b: z.int32(), c: z.number(), d: z.boolean(), e: z.uint32() }),
  'number literals': z.object({ a: z.literal(1), b: z.literal([1, 2]) }),
  'records of scalars, objects and any JSON': z.object({
    a: z.record(z.string(), z.int()),
    b: z.record(z.string(), z.object({ c: z.int() })),
    d: z.record(z.string(), z.unknown()),
    e: z.record(z.enum(['x', 'y']), z.int()),
  }),
  'arrays of objects': z.object({ items: z.array(z.object({ a: z.string() })) }),
  'discriminated unions': z.object({ a: union, b: union.optional(), c: union.nullable(), d: z.array(union) }),
  'any JSON': z.object({ a: z.unknown(), b: z.json(), c: z.any() }),
  'types within themselves': z.object({ tree, chained }),
  'intersections of objects': z.intersection(z.object({ a: z.int() }), z.object({ b: z.int() })),
  'intersections with unions': z.intersection(z.object({ a: z.int() }), union),
  defaults: z.object({ limit: z.int().default(20) }),
  'text that is trimmed': z.object({ a: z.string().trim().toLowerCase() }),
  'pipes that keep the type': z.object({ a: z.string().pipe(z.string().min(2)) }),
  'named schemas': z.object({ a: z.object({ b: z.int() }).meta({ id: 'Named' }), c: z.string().describe('text') }),
}

const refused: Record<string, [schema: Schema, message: RegExp]> = {
  'a transformation': [z.object({ a: z.array(z.object({ b: z.string().transform(Number) })) }), /transform/i],
  'a codec to another type': [z.object({ flag: z.stringbool() }), /'flag' transforms/],
  'a date': [z.object({ at: z.date() }), /Date/],
  'a bigint': [z.object({ n: z.bigint() }), /BigInt/],
  'nothing at all': [z.object({ a: z.never() }), /'a' uses 'not'/],
  'always null': [z.object({ a: z.null() }), /'a' is always null/],
  'a tuple': [z.object({ at: z.object({ t: z.tuple([z.string(), z.int()]) }) }), /'at.t' is a tuple/],
  'a union of scalars': [z.object({ u: z.union([z.string(), z.int()]) }), /'u' may be one of several types/],
  'a plain union of types': [z.object({ u: z.union([z.string(), z.number()]) }), /'u' may be string or number/],
  'a union that nothing tells apart': [
    z.object({ u: z.union([z.object({ a: z.string() }), z.object({ a: z.int() })]) }),
    /'u' .* no literal string member tells apart/,
  ],
  'missing and null at once': [z.object({ a: z.string().nullish() }), /'a' may be both missing and null/],
  'nested arrays': [z.object({ m: z.array(z.array(z.int())) }), /'m\[\]' is an array in an array/],
  'records of arrays': [z.object({ r: z.record(z.string(), z.array(z.int())) }), /'r\[\*\]' is an array in a record/],
  'null in an array': [z.object({ a: z.array(z.string().nullable()) }), /'a\[\]' may be null/],
  'undefined in an array': [
    z.object({ o: z.object({ a: z.array(z.string().optional()) }) }),
    /'o\.a\[.?\]' may be undefined/,
  ],
  'a list that may be null': [z.object({ a: z.array(z.int()).nullable() }), /'a' is an array that may be null/],
  'an enum of mixed types': [z.object({ e: z.literal(['a', 1]) }), /'e' has the values/],
  'named and free members together': [z.object({ o: z.looseObject({ a: z.int() }) }), /'o' has both named and free/],
  'an asynchronous check of a member': [z.object({ email: z.email().refine(async () => true) }), /asynchronously/],
  'an asynchronous check of the whole': [z.object({ a: z.int() }).refine(async () => true), /asynchronously/],
  'a file': [z.object({ f: z.file() }), /'f' is a file/],
}

describe('the shape of a schema', () => {
  for (const [name, schema] of Object.entries(accepted)) {
    test(`has ${name}`, () => assert.equal(refusal(schema), 'accepted'))
    test(`has ${name}, from any library`, () => assert.equal(refusal(foreign(schema)), 'accepted'))
  }
  for (const [name, [schema, message]] of Object.entries(refused)) {
    test(`is refused for ${name}, with the reason`, () => assert.match(refusal(schema), message))
    test(`is refused for ${name}, from any library`, () => assert.match(refusal(foreign(schema)), message))
  }

  test('is refused for intersections that are not of plain objects', () => {
    const parts = [{ type: 'object', properties: { a: { type: 'string' } } }, { type: 'string' }]
    assert.throws(() => toShape({ allOf: parts }), /more than plain objects/)
    assert.throws(() => toShape({ allOf: [parts[0], parts[0]] }), /'a' is said twice/)
    const oneOf = [{ type: 'object', properties: { k: { const: 'x' } }, required: ['k'] }]
    assert.throws(() => toShape({ properties: {}, oneOf }), /at once/)
  })

  test('names the member that JSON can not say', () => {
    assert.match(refusal(refused['a transformation']![0]), /^'a\[\]\.b' /)
    assert.match(refusal(z.object({ x: z.object({ at: z.date() }) })), /^'x\.at' /)
  })

  test('is refused for what is no Standard JSON Schema', () => {
    assert.match(refusal(5 as never), /Standard JSON Schema/)
    assert.match(
      refusal({ '~standard': { version: 1, vendor: 'x', validate: () => ({ value: 1 }) } } as never),
      /JSON Schema/,
    )
  })

  test('is refused for nesting without end', () => {
    let deep: z.ZodType = z.object({})
    for (let level = 0; level < 70; level++) deep = z.object({ deep })
    assert.match(refusal(deep), /deeper than 64/)
  })

  test('keeps the bounds of integers, exclusive ones included', () => {
    const shape = resolveShape(shapeOf(z.object({ a: z.int().gt(5).lt(10), b: z.int() })))
    assert.ok(shape.kind === 'object')
    assert.partialDeepStrictEqual(shape.members.get('a')?.shape, { minimum: 6, maximum: 9 })
    assert.partialDeepStrictEqual(shape.members.get('b')?.shape, { maximum: Number.MAX_SAFE_INTEGER })
  })

  test('is made once for one schema', () => {
    const schema = z.object({ a: z.int() })
    assert.equal(shapeOf(schema), shapeOf(schema))
  })
})
