import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { sampleOf } from './sample.ts'
import { shapeOf } from './shape-of.ts'

test('a sample of a schema without patterns is valid', () => {
  const tree = z.object({
    name: z.string().min(10),
    get children() {
      return z.array(tree)
    },
  })
  const schema = z.object({
    tree,
    at: z.iso.datetime(),
    day: z.iso.date(),
    mail: z.email(),
    id: z.uuid(),
    site: z.url(),
    count: z.int().min(5),
    rate: z.number().max(0.5),
    on: z.literal(false),
    state: z.enum(['a', 'b']),
    map: z.record(z.string(), z.int()),
    any: z.json(),
    kind: z.discriminatedUnion('k', [z.object({ k: z.literal('x'), n: z.int() })]),
    none: z.string().nullable(),
  })
  const result = schema.safeParse(sampleOf(shapeOf(schema)))
  assert.equal(result.error?.message, undefined)
})
