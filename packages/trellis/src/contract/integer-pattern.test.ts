import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { integerPattern } from './integer-pattern.ts'

test('matches just the integers between its bounds', () => {
  const most = 10 ** 15 - 1
  const near = (bound: number) => fc.integer({ min: -12, max: 12 }).map(step => bound + step)
  const bounds = fc
    .tuple(fc.integer({ min: -most, max: most }), fc.integer({ min: -most, max: most }), fc.nat(9))
    .map(([a, b, zeros]) => {
      const [low, high] = [Math.trunc(a / 10 ** zeros), Math.trunc(b / 10 ** zeros)]
      return low < high ? ([low, high] as const) : ([high, low] as const)
    })
  const asked = bounds.chain(([low, high]) =>
    fc.tuple(
      fc.constant(low),
      fc.constant(high),
      fc.oneof(near(low), near(high), near(0), fc.integer({ min: -most, max: most })),
    ),
  )
  fc.assert(
    fc.property(asked, ([low, high, value]) => {
      if (Math.abs(value) > most) return
      assert.equal(new RegExp(integerPattern(low, high)).test(String(value)), value >= low && value <= high)
    }),
    { numRuns: 2_000 },
  )
})

test('reads well for common bounds', () => {
  assert.equal(integerPattern(0, 999_999), '^(?:0|[1-9][0-9]{0,5})$')
  assert.equal(integerPattern(1, 1_000_000_000_000), '^(?:[1-9][0-9]{0,11}|1000000000000)$')
  assert.equal(
    integerPattern(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    '^(?:-(?:[1-9][0-9]{0,14})|0|[1-9][0-9]{0,14})$',
  )
})

test('matches no other spelling', () => {
  const pattern = new RegExp(integerPattern(-5, 500))
  for (const text of ['', '-', '-0', '00', '01', '+1', '1.0', '1e2', ' 1', '0x1'])
    assert.equal(pattern.test(text), false)
})
