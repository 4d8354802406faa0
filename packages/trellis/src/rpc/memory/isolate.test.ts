import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isolate } from './isolate.ts'

const viaText = (value: unknown): unknown => {
  const text = JSON.stringify(value) as string | undefined
  return text === undefined ? undefined : JSON.parse(text)
}

describe('isolate', () => {
  test('does what writing and reading JSON does', () => {
    const anything = fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withTypedArray: true,
      withObjectString: true,
    })
    fc.assert(
      fc.property(anything, value => assert.deepEqual(isolate(value), viaText(value))),
      { numRuns: 2000 },
    )
  })

  test('shares nothing with the original', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const copied = isolate(value)
        assert.deepEqual(copied, value === undefined ? undefined : viaText(value))
        if (typeof value === 'object' && value !== null) assert.notEqual(copied, value)
      }),
    )
    const original = { list: [{ a: 1 }], inner: { b: [2] } }
    const copied = isolate(original) as typeof original
    assert.notEqual(copied.list[0], original.list[0])
    assert.notEqual(copied.inner.b, original.inner.b)
  })

  test('keeps a member named __proto__ a member', () => {
    const value = JSON.parse('{"__proto__":{"polluted":true},"a":1}')
    for (const copied of [isolate(value), isolate({ ...value, gone: undefined })] as Record<string, unknown>[]) {
      assert.deepEqual(Object.keys(copied), ['__proto__', 'a'])
      assert.equal(copied.polluted, undefined)
    }
  })

  test('writes -0, NaN and infinities as JSON does', () => {
    assert.ok(Object.is((isolate({ a: -0 }) as { a: number }).a, 0))
    assert.ok(Object.is((isolate([-0]) as number[])[0], 0))
    assert.deepEqual(isolate([Number.NaN, Number.POSITIVE_INFINITY]), [null, null])
  })

  test('calls toJSON once, with its key', () => {
    const seen: string[] = []
    const own = {
      toJSON(key: string) {
        seen.push(key)
        return this
      },
    }
    isolate({ member: own, list: [own] })
    assert.deepEqual(seen, ['member', '0'])
  })

  test('refuses a cycle and a bigint', () => {
    const cycle: { self?: unknown } = {}
    cycle.self = cycle
    assert.throws(() => isolate(cycle), TypeError)
    assert.throws(() => isolate({ a: 1n }), TypeError)
  })

  test('copies what is nested deeper than it walks', () => {
    let value: unknown = 'end'
    for (let depth = 0; depth < 500; depth++) value = { value }
    assert.deepEqual(isolate(value), value)
  })
})
