import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseHttpPattern } from './http-pattern.ts'
import { Router } from './router.ts'

function router(...patterns: string[]): Router<{ pattern: string }> {
  const made = new Router<{ pattern: string }>()
  for (const pattern of patterns) made.add(parseHttpPattern(pattern), { pattern })
  return made
}

function find(made: Router<{ pattern: string }>, method: string, path: string): unknown {
  const match = made.find(method, path)
  if (match.kind === 'found') return [match.value.pattern, ...match.parameters]
  return match.kind === 'method-not-allowed' ? match.methods : match.kind
}

describe('a router', () => {
  test('lets literals beat parameters in any order of adding', () => {
    for (const patterns of [
      ['GET /a/{x}', 'GET /a/b'],
      ['GET /a/b', 'GET /a/{x}'],
    ]) {
      const made = router(...patterns)
      assert.deepEqual(find(made, 'GET', '/a/b'), ['GET /a/b'])
      assert.deepEqual(find(made, 'GET', '/a/c'), ['GET /a/{x}', 'c'])
    }
  })

  test('goes back to a parameter when a literal leads nowhere, also for another method', () => {
    const made = router('GET /a/b/c', 'GET /{x}/b/d', 'PUT /a/{y}/e', 'POST /a/b/{z}')
    assert.deepEqual(find(made, 'GET', '/a/b/d'), ['GET /{x}/b/d', 'a'])
    assert.deepEqual(find(made, 'PUT', '/a/b/e'), ['PUT /a/{y}/e', 'b'])
    assert.deepEqual(find(made, 'POST', '/a/b/c'), ['POST /a/b/{z}', 'c'])
  })

  test('tells an unknown path from an unknown method', () => {
    const made = router('GET /a/{x}', 'PUT /a/b', 'DELETE /a/{x}')
    assert.equal(find(made, 'GET', '/b'), 'not-found')
    assert.deepEqual(find(made, 'POST', '/a/b'), ['DELETE', 'GET', 'PUT'])
    assert.deepEqual(find(made, 'PUT', '/a/c'), ['DELETE', 'GET'])
  })

  test('takes slashes literally', () => {
    const made = router('GET /', 'GET /a', 'GET /a/{x}')
    assert.deepEqual(find(made, 'GET', '/'), ['GET /'])
    for (const path of ['/a/', '//', '//a', '/a//', '', 'a', '*']) assert.equal(find(made, 'GET', path), 'not-found')
  })

  test('decodes once, and keeps %2F within its segment', () => {
    const made = router('GET /a/{x}', 'GET /a/{x}/b', 'GET /tea-pot')
    assert.deepEqual(find(made, 'GET', '/a/x%2Fb'), ['GET /a/{x}', 'x/b'])
    assert.deepEqual(find(made, 'GET', '/a/%252F'), ['GET /a/{x}', '%2F'])
    assert.deepEqual(find(made, 'GET', '/a/+'), ['GET /a/{x}', '+'])
    assert.deepEqual(find(made, 'GET', '/%74ea-pot'), ['GET /tea-pot'])
  })

  test('refuses what is not UTF-8 in percent-encoding, and dots', () => {
    const made = router('GET /a/{x}')
    for (const path of ['/a/%', '/a/%2', '/a/%zz', '/a/%ff', '/a/%C0%80', '/a/..', '/a/.', '/a/%2e%2E', '/../a/b']) {
      assert.equal(find(made, 'GET', path), 'malformed', path)
    }
  })

  test('is not led astray by names that every object has', () => {
    const made = router('GET /a')
    for (const path of ['/__proto__', '/constructor', '/toString']) assert.equal(find(made, 'GET', path), 'not-found')
  })

  test('bounds the number of segments', () => {
    assert.equal(find(router('GET /a'), 'GET', '/a'.repeat(100_000)), 'malformed')
  })

  test('refuses a route twice', () => {
    assert.throws(() => router('GET /a/{x}', 'GET /a/{y}'), /have the route/)
  })

  test('finds what a plain search finds', () => {
    const segment = fc.constantFrom('a', 'b', '{x}')
    const path = fc.array(segment, { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(
        fc.uniqueArray(path, { selector: parts => parts.join('/'), maxLength: 8 }),
        fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }),
        (routes, asked) => {
          const made = router(
            ...routes.map(parts => `GET /${parts.map((part, i) => (part === '{x}' ? `{x${i}}` : part)).join('/')}`),
          )
          const fitting = routes.filter(
            parts => parts.length === asked.length && parts.every((part, i) => part === '{x}' || part === asked[i]),
          )
          // The best has its literals as early as possible: compare from the left, where a literal sorts before a parameter.
          const key = (parts: string[]) => parts.map(part => (part === '{x}' ? '1' : '0')).join('')
          const best = fitting.sort((a, b) => (key(a) < key(b) ? -1 : 1))[0]
          const match = made.find('GET', `/${asked.join('/')}`)
          if (best === undefined) return assert.equal(match.kind, 'not-found')
          assert.ok(match.kind === 'found')
          assert.deepEqual(
            match.parameters,
            asked.filter((_, i) => best[i] === '{x}'),
          )
        },
      ),
    )
  })
})
