import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { Fault } from '../kernel/fault.ts'
import { parseJson } from './json.ts'
import type { Schema } from './schema.ts'
import { validator } from './validator.ts'
import type { Violation } from './walk.ts'

const money = z.object({ amount: z.int().min(0), currency: z.string() })
const tree = z.object({
  name: z.string(),
  get children() {
    return z.array(tree).optional()
  },
})
const method = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('card'), last4: z.string() }),
  z.object({ kind: z.literal('invoice'), address: z.object({ city: z.string() }) }),
])
const order = z.object({
  id: z.string(),
  items: z.array(z.object({ quantity: z.int32().min(1), price: money })),
  labels: z.record(z.string(), money).optional(),
  method: method.optional(),
  tree: tree.optional(),
  free: z.unknown().optional(),
})
const valid = { id: 'o', items: [{ quantity: 1, price: { amount: 5, currency: 'EUR' } }] }

function refused(schema: Schema, value: unknown, options: Parameters<typeof validator>[1] = { side: 'input' }): Fault {
  try {
    validator(schema, options)(value)
  } catch (error) {
    assert.ok(error instanceof Fault)
    return error
  }
  return assert.fail('accepted')
}

function paths(fault: Fault): string[] {
  return (fault.details as { violations: Violation[] }).violations.map(({ path }) => path)
}

describe('a validator of inputs', () => {
  test('gives a valid value', () => {
    assert.deepEqual(validator(order, { side: 'input' })(structuredClone(valid)), valid)
  })

  test('names the first place in the message and all of them in the details', () => {
    const fault = refused(order, { ...valid, items: [{ quantity: 0, price: { amount: -1, currency: 'EUR' } }] })
    assert.equal(fault.code, 'invalid_argument')
    assert.equal(fault.reason, 'INVALID_INPUT')
    assert.match(fault.message, /'items\[0\]\.quantity'/)
    assert.deepEqual(paths(fault), ['items[0].quantity', 'items[0].price.amount'])
  })

  for (const [path, value] of Object.entries({
    extra: { ...valid, extra: 1 },
    'items[1].extra': { ...valid, items: [valid.items[0], { ...valid.items[0], extra: 1 }] },
    'items[0].price.extra': { ...valid, items: [{ quantity: 1, price: { amount: 5, currency: 'EUR', extra: 1 } }] },
    'labels.a.extra': { ...valid, labels: { a: { amount: 1, currency: 'EUR', extra: 1 } } },
    'labels["a b"].extra': { ...valid, labels: { 'a b': { amount: 1, currency: 'EUR', extra: 1 } } },
    'method.last4': { ...valid, method: { kind: 'invoice', address: { city: 'Ulm' }, last4: '1' } },
    'method.address.extra': { ...valid, method: { kind: 'invoice', address: { city: 'Ulm', extra: 1 } } },
    'tree.children[0].children[0].extra': {
      ...valid,
      tree: { name: 'a', children: [{ name: 'b', children: [{ name: 'c', extra: 1 }] }] },
    },
  })) {
    test(`refuses the unknown member ${path}`, () => assert.deepEqual(paths(refused(order, value)), [path]))
  }

  test('refuses unknown members of an intersection by what all parts have', () => {
    const both = z.intersection(z.object({ a: z.int() }).meta({ id: 'IntersectedA' }), z.object({ b: z.int() }))
    assert.deepEqual(validator(both, { side: 'input' })({ a: 1, b: 2 }), { a: 1, b: 2 })
    assert.deepEqual(paths(refused(both, { a: 1, b: 2, c: 3 })), ['c'])
  })

  test('lets any JSON be what it likes', () => {
    const free = { a: [{ b: null }], constructor: 1 }
    assert.deepEqual(validator(order, { side: 'input' })({ ...valid, free }), { ...valid, free })
  })

  test('takes __proto__ and constructor for unknown members and pollutes nothing', () => {
    for (const text of [
      '{"id":"o","items":[],"__proto__":{"polluted":1}}',
      '{"id":"o","items":[],"constructor":{"prototype":{"polluted":1}}}',
      '{"id":"o","items":[],"labels":{"__proto__":{"amount":1,"currency":"EUR"}}}',
      '{"id":"o","items":[],"free":{"a":[{"__proto__":{"polluted":1}}]}}',
    ]) {
      const value = parseJson(text)
      assert.equal(paths(refused(order, value)).length, 1)
      assert.equal(({} as { polluted?: unknown }).polluted, undefined)
    }
    const record = validator(z.object({ r: z.record(z.string(), z.int()) }), { side: 'input' })
    const result = record(parseJson('{"r":{"constructor":1,"toString":2}}')) as { r: object }
    assert.equal(Object.getPrototypeOf(result.r), Object.prototype)
  })

  test('reports at most 20 violations and cuts long names', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`${'n'.repeat(500)}${i}`, 1]))
    const fault = refused(order, { ...valid, ...many })
    assert.equal(paths(fault).length, 20)
    assert.ok(JSON.stringify(fault.details).length < 5_000)
    assert.equal(paths(refused(z.object({ a: z.array(z.int()) }), { a: Array(500).fill('x') })).length, 20)
  })

  test('refuses nesting beyond 64 levels without recursing into it', () => {
    let deep: unknown = 1
    for (let level = 0; level < 100_000; level++) deep = [deep]
    assert.match(refused(order, { ...valid, free: deep }).message, /deeper than 64/)
    let cycle: unknown[] = []
    cycle = [cycle]
    ;(cycle[0] as unknown[]).push(cycle)
    assert.match(refused(order, { ...valid, free: cycle }).message, /deeper than 64/)
    let chain: unknown = { name: 'x' }
    for (let level = 0; level < 1_000; level++) chain = { name: 'x', children: [chain] }
    assert.match(refused(order, { ...valid, tree: chain }).message, /deeper than 64/)
  })

  test('reads decimal strings as integers beyond 32 bits, and only there', () => {
    const schema = z.object({
      big: z.int(),
      small: z.int32(),
      list: z.array(z.int()),
      map: z.record(z.string(), z.int()),
    })
    const check = validator(schema, { side: 'input' })
    assert.deepEqual(check({ big: '-9007199254740991', small: 1, list: ['2', 3], map: { a: '4' } }), {
      big: -9007199254740991,
      small: 1,
      list: [2, 3],
      map: { a: 4 },
    })
    const rest = { small: 1, list: [], map: {} }
    for (const big of ['', ' 1', '01', '-0', '1e3', '0x10', '1.0', '9007199254740992', '99999999999999999', '１']) {
      assert.deepEqual(paths(refused(schema, { big, ...rest })), ['big'], big)
    }
    assert.deepEqual(paths(refused(schema, { big: 1, ...rest, small: '1' })), ['small'])
  })

  test('refuses what is no object at all', () => {
    for (const value of [undefined, null, 1, 'a', [], [[]], true]) assert.deepEqual(paths(refused(order, value)), [''])
  })

  test('fills in defaults', () => {
    const page = z.object({ limit: z.int().default(20), nested: z.object({ a: z.string().default('x') }) })
    assert.deepEqual(validator(page, { side: 'input' })({ nested: {} }), { limit: 20, nested: { a: 'x' } })
  })

  test('can be told to ignore unknown members, as for events', () => {
    const check = validator(order, { side: 'input', unknownMembers: 'ignore' })
    assert.deepEqual(check({ ...valid, extra: { a: 1 } }), valid)
  })

  test('answers internal when a schema turns out to be asynchronous', () => {
    const schema = z.object({
      a: z
        .string()
        .regex(/^never the sample$/, { abort: true })
        .refine(async () => true),
    })
    const fault = refused(schema, { a: 'never the sample' })
    assert.equal(fault.code, 'internal')
    assert.match(String(fault.cause), /asynchronously/)
  })

  test('refuses the same unknown members as strict objects do', () => {
    const shapes = fc.letrec<{ node: [z.ZodType, z.ZodType] }>(tie => ({
      node: fc.oneof(
        { maxDepth: 3 },
        fc.constant<[z.ZodType, z.ZodType]>([z.int32(), z.int32()]),
        fc
          .dictionary(fc.constantFrom('a', 'b', 'c'), tie('node'))
          .map((members): [z.ZodType, z.ZodType] => [
            z.object(Object.fromEntries(Object.entries(members).map(([name, [plain]]) => [name, plain.optional()]))),
            z.strictObject(
              Object.fromEntries(Object.entries(members).map(([name, [, strict]]) => [name, strict.optional()])),
            ),
          ]),
        tie('node').map((pair): [z.ZodType, z.ZodType] =>
          pair[0] instanceof z.ZodArray ? pair : [z.array(pair[0]), z.array(pair[1])],
        ),
      ),
    })).node
    const values = fc.letrec(tie => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.integer({ min: -5, max: 5 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'constructor'), tie('node')),
        fc.array(tie('node'), { maxLength: 3 }),
      ),
    })).node
    fc.assert(
      fc.property(shapes, values, ([plain, strict], value) => {
        const members = { plain: z.object({ it: plain }), strict: z.strictObject({ it: strict }) }
        const expected = members.strict.safeParse({ it: value }).success
        let accepted = true
        try {
          validator(members.plain, { side: 'input' })({ it: value })
        } catch {
          accepted = false
        }
        assert.equal(accepted, expected)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a validator of outputs', () => {
  test('drops unknown members, so that an older caller is not disturbed and nothing leaks', () => {
    assert.deepEqual(validator(order, { side: 'output' })({ ...valid, passwordHash: 'x' }), valid)
  })

  test('keeps the places of a violation to the log', () => {
    const fault = refused(order, { ...valid, items: [{ quantity: 'secret' }] }, { side: 'output' })
    assert.equal(fault.code, 'internal')
    assert.equal(fault.reason, 'INVALID_OUTPUT')
    assert.equal(fault.details, undefined)
    assert.doesNotMatch(fault.message, /items/)
    assert.match(String(fault.cause), /items\[0\]\.quantity/)
  })

  test('does not take strings for integers, nor change what it is given', () => {
    assert.equal(refused(money, { amount: '5', currency: 'EUR' }, { side: 'output' }).reason, 'INVALID_OUTPUT')
    const given = Object.freeze({ amount: 5, currency: 'EUR', more: 1 })
    assert.deepEqual(validator(money, { side: 'output' })(given), { amount: 5, currency: 'EUR' })
  })
})
