import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../kernel/fault.ts'
import { parseJson, stringifyJson } from './json.ts'
import { locateJsonError } from './json-position.ts'

const utf8 = new TextEncoder()

function refusal(json: string | Uint8Array): Fault {
  try {
    parseJson(json)
  } catch (error) {
    assert.ok(error instanceof Fault)
    assert.equal(error.code, 'invalid_argument')
    assert.equal(error.reason, 'INVALID_JSON')
    return error
  }
  return assert.fail(`accepted ${String(json)}`)
}

describe('reading JSON', () => {
  test('gives what JSON.parse gives', () => {
    const finite = fc.jsonValue().filter(value => !JSON.stringify(value).includes('__proto__'))
    fc.assert(
      fc.property(finite, fc.constantFrom(undefined, 2), (value, space) => {
        const text = JSON.stringify(value, null, space)
        assert.deepEqual(parseJson(text), JSON.parse(text))
        assert.deepEqual(parseJson(utf8.encode(text)), JSON.parse(text))
      }),
    )
  })

  test('refuses what JSON.parse refuses, with a position and without the content', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"a"',
      '"',
      '\\',
      '1',
      '-',
      '.5',
      'e3',
      'true',
      'nul',
      ' ',
      '\n',
      '\u0001',
      'x',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), parts => {
        const text = parts.join('')
        let valid = true
        try {
          JSON.parse(text)
        } catch {
          valid = false
        }
        const position = locateJsonError(text)
        if (valid) return assert.equal(position, text.length)
        assert.ok(position >= 0 && position <= text.length)
        // What stands before the position is a beginning of some JSON; the token at the position is not.
        refusal(text)
      }),
      { numRuns: 2_000 },
    )
  })

  for (const [text, position] of [
    ['', 0],
    ['{"a":1,}', 7],
    ['{"a" 1}', 5],
    ['[1 2]', 3],
    ['[1,]', 3],
    ['secret', 0],
    ['{"a":secret}', 5],
    ['{"a":"unfinished', 5],
    ['{"a":1', 6],
    ['{"a":1} x', 8],
    ['[01]', 2],
    ["{'a':1}", 1],
    ['["\u0001"]', 1],
    ['["\\x"]', 1],
    ['[1.]', 2],
    [']', 0],
    ['[}', 1],
  ] as const) {
    test(`says that ${JSON.stringify(text)} ends to be JSON at ${position}`, () => {
      const { message, details } = refusal(text)
      assert.match(message, new RegExp(`at position ${position};`))
      assert.doesNotMatch(message, /secret|unfinished/)
      assert.equal(details, undefined)
    })
  }

  test('refuses malformed UTF-8 and a byte order mark', () => {
    assert.match(refusal(Uint8Array.of(0x22, 0xff, 0x22)).message, /not UTF-8/)
    assert.match(refusal(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)).message, /not UTF-8/)
    assert.match(refusal(Uint8Array.of(0x22, 0xc0, 0x80, 0x22)).message, /not UTF-8/)
    refusal(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d))
  })

  test('refuses names that are said twice, at any depth and however they are written', () => {
    for (const text of [
      '{"a":1,"a":2}',
      '[{"b":{"a":1,"a":1}}]',
      '{"a":1,"\\u0061":2}',
      '{"__proto__":1,"__proto__":2}',
    ]) {
      assert.match(refusal(text).message, /a name twice/)
    }
    assert.deepEqual(parseJson('{"a:b":":","c":{"a:b":1}}'), { 'a:b': ':', c: { 'a:b': 1 } })
  })

  test('refuses hostile nesting quickly', () => {
    assert.match(refusal('['.repeat(1_000_000)).message, /deeper than 64 levels at position 64/)
    assert.match(refusal(`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`).message, /deeper than 64/)
    parseJson('['.repeat(64) + ']'.repeat(64))
    parseJson(JSON.stringify('['.repeat(100)))
  })

  test('refuses halves of surrogate pairs and numbers beyond a double', () => {
    assert.match(refusal('{"a":"\\ud800"}').message, /surrogate/)
    assert.match(refusal('{"\\udc00":1}').message, /surrogate/)
    assert.match(refusal('"\\ud800"').message, /surrogate/)
    assert.equal(parseJson('"\\ud83d\\ude00"'), '😀')
    assert.match(refusal('{"a":[1e400]}').message, /double/)
  })

  test('keeps __proto__ a member of its own', () => {
    const value = parseJson('{"__proto__":{"a":1}}') as Record<string, unknown>
    assert.ok(Object.hasOwn(value, '__proto__'))
    assert.equal(Object.getPrototypeOf(value), Object.prototype)
  })

  test('finds the error in a long text without exhausting the stack', () => {
    const text = `["${'a\\n'.repeat(300_000)}", x]`
    assert.equal(locateJsonError(text), text.length - 2)
    assert.equal(locateJsonError(`"${'a'.repeat(1_000_000)}`), 0)
  })
})

describe('writing JSON', () => {
  test('leaves out what is undefined', () => assert.equal(stringifyJson({ a: undefined, b: 1 }), '{"b":1}'))

  test('answers internal for what JSON can not say, and keeps the cause to the log', () => {
    const cycle: unknown[] = []
    cycle.push(cycle)
    for (const value of [1n, cycle, undefined, () => 1]) {
      assert.throws(() => stringifyJson(value), { code: 'internal', reason: 'INVALID_OUTPUT' })
    }
  })
})
