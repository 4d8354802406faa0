import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createVirtualRuntime } from '../testing/index.ts'
import type { Random } from './runtime.ts'
import { childSpan, formatBaggage, formatTraceparent, newTrace, parseBaggage, parseTraceparent } from './trace.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const { random } = createVirtualRuntime({ seed: 1 })

describe('traceparent', () => {
  test('is read', () => {
    assert.deepEqual(parseTraceparent(`00-${TRACE}-${SPAN}-01`), {
      traceId: TRACE,
      spanId: SPAN,
      sampled: true,
      remote: true,
    })
    assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-00`)?.sampled, false)
    assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-fe`)?.sampled, false)
    assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-ff`)?.sampled, true)
  })

  test('of a later version is read as far as it is known', () => {
    assert.equal(parseTraceparent(`cc-${TRACE}-${SPAN}-01`)?.traceId, TRACE)
    assert.equal(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-ever`)?.spanId, SPAN)
  })

  const malformed = [
    '',
    '00',
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}-01-`,
    `00-${TRACE}-${SPAN}-01-more`,
    `ff-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01more`,
    `0-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-0g`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01\n`,
    `cc-${TRACE}-${SPAN}-01-\r\nx: y`,
    `00_${TRACE}_${SPAN}_01`,
  ]
  for (const value of malformed) {
    test(`is refused when it is ${JSON.stringify(value)}`, () => assert.equal(parseTraceparent(value), undefined))
  }

  test('is refused quickly when it is huge', () => {
    assert.equal(parseTraceparent('0'.repeat(1_000_000)), undefined)
    assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-01-${'-'.repeat(1_000_000)}`), undefined)
  })

  test('survives being written and read', () => {
    const trace = newTrace(random)
    assert.deepEqual(parseTraceparent(formatTraceparent(trace)), { ...trace, remote: true })
    const unsampled = newTrace(random, false)
    assert.deepEqual(parseTraceparent(formatTraceparent(unsampled)), { ...unsampled, remote: true })
  })

  test('never throws, whatever is sent', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (parent, state) => void parseTraceparent(parent, state)))
  })
})

describe('tracestate', () => {
  const state = (value?: string): string | undefined => parseTraceparent(`00-${TRACE}-${SPAN}-01`, value)?.state

  test('is kept as it is', () => {
    assert.equal(state('congo=t61rcWkgMzE,rojo=00f067aa0ba902b7'), 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7')
    assert.equal(state(' a=1 '), 'a=1')
  })

  test('is dropped when empty, too long or not printable, and the trace goes on', () => {
    for (const value of [undefined, '', '   ', 'x'.repeat(513), 'a=1\r\nx-admin: 1', 'a=\u0000', 'a=\u00e9']) {
      assert.equal(state(value), undefined)
    }
    assert.equal(state('x'.repeat(512))?.length, 512)
    assert.equal(parseTraceparent(`00-${TRACE}-${SPAN}-01`, 'a=\n1')?.traceId, TRACE)
  })
})

describe('a span', () => {
  test('below another is of the same trace and knows its parent', () => {
    const parent = { ...newTrace(random), state: 'a=1' }
    const child = childSpan(parent, random)
    assert.equal(child.traceId, parent.traceId)
    assert.equal(child.parentSpanId, parent.spanId)
    assert.equal(child.state, 'a=1')
    assert.match(child.spanId, /^[0-9a-f]{16}$/)
    assert.notEqual(child.spanId, parent.spanId)
    assert.equal('state' in childSpan(newTrace(random), random), false)
  })

  test('below a remote one is this process\u2019s own', () => {
    const remote = parseTraceparent(`00-${TRACE}-${SPAN}-01`)
    assert.ok(remote)
    assert.equal(childSpan(remote, random).remote, undefined)
  })

  test('never has an id of zeros', () => {
    let calls = 0
    const zerosFirst: Random = { ...random, bytes: length => new Uint8Array(length).fill(calls++ === 0 ? 0 : 1) }
    assert.equal(newTrace(zerosFirst).traceId, '01'.repeat(16))
  })
})

describe('baggage', () => {
  const pairs = (value: string): Record<string, string> => ({ ...parseBaggage(value) })

  test('is read, with spaces and properties dropped', () => {
    assert.deepEqual(pairs('userId=alice , isProduction = false;ttl=5;x, name=J%C3%BCrgen'), {
      userId: 'alice',
      isProduction: 'false',
      name: 'J\u00fcrgen',
    })
    assert.deepEqual(pairs('a=b=c,empty='), { a: 'b=c', empty: '' })
  })

  test('that is malformed in places loses these only', () => {
    assert.deepEqual(pairs('=x,novalue,,b@d=1,ok=1,sp ace=2,bad=%zz,worse=%ff,\u00e9=1'), { ok: '1' })
    assert.deepEqual(pairs(''), {})
  })

  test('cannot reach a prototype', () => {
    const baggage = parseBaggage('__proto__=x,constructor=y')
    assert.deepEqual(Object.entries(baggage), [
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    assert.equal(parseBaggage('a=1').toString, undefined)
  })

  test('is taken up to 64 pairs, and not at all when it is longer than 8,192 characters', () => {
    const many = Array.from({ length: 100 }, (_, index) => `k${index}=v`).join(',')
    assert.equal(Object.keys(parseBaggage(many)).length, 64)
    assert.deepEqual(pairs(`a=${'x'.repeat(8190)}`), { a: 'x'.repeat(8190) })
    assert.deepEqual(pairs(`a=${'x'.repeat(8191)}`), {})
  })

  test('is written, none as undefined', () => {
    assert.equal(formatBaggage({ a: '1', b: 'x,y;z=1\r\n' }), 'a=1,b=x%2Cy%3Bz%3D1%0D%0A')
    assert.equal(formatBaggage({}), undefined)
  })

  test('with a key that would break the header is a mistake', () => {
    for (const key of ['', 'a b', 'a=b', 'a,b', 'x\r\ny', '\u00e9']) {
      assert.throws(() => formatBaggage({ [key]: '1' }), { name: 'TypeError', message: /baggage/ })
    }
  })

  test('with half a character is written with the replacement character', () => {
    assert.equal(formatBaggage({ a: 'x\ud800' }), 'a=x%EF%BF%BD')
  })

  test('that became too long for the next hop is written as far as it fits', () => {
    // Legal in a header as it came, three times as long when written again.
    const read = parseBaggage(`a=${'/'.repeat(2600)},b=${'/'.repeat(2600)},c=1`)
    const written = formatBaggage(read)
    assert.ok(written !== undefined && written.length <= 8192)
    assert.deepEqual(Object.keys(parseBaggage(written)), ['a', 'c'])
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, 'v']))
    assert.equal(formatBaggage(many)?.split(',').length, 64)
  })

  test('survives being written and read', () => {
    const key = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/)
    const value = fc.string({ unit: 'grapheme', maxLength: 20 })
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 20 }), baggage => {
        assert.deepEqual(pairs(formatBaggage(baggage) ?? ''), { ...baggage })
      }),
    )
  })

  test('never throws, whatever is sent', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), value => void parseBaggage(value)))
  })
})
