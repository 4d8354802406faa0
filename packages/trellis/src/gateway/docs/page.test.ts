import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { contract, fault, own, serverStream, unary } from '../../contract/index.ts'
import { toOpenApi } from '../../contract/openapi.ts'
import { exampleOf } from './example.ts'
import { docsPage } from './page.ts'

const evil = `<script>alert("1")</script>'`

const Tricky = contract(
  'kit.tricky.v1.Tricky',
  {
    find: unary({
      summary: `Find \`things\` ${evil}`,
      description: `First.\n\n- one\n- two ${evil}`,
      input: z.object({
        kind: z.enum(['a', evil]).describe(evil),
        limit: z.int32().min(1).max(50).optional(),
        tag: z.array(z.string()).optional(),
      }),
      output: z.object({ found: z.array(z.object({ deep: z.object({ name: z.string().nullable() }) })) }),
      faults: { Gone: fault({ code: 'not_found', reason: 'GONE', message: `It is gone. ${evil}` }) },
      http: 'GET /things',
      allow: own('things:read'),
      deprecated: 'use the other',
    }),
    save: unary({
      input: z.object({
        thingId: z.string(),
        note: z.string().min(3),
        shape: z.discriminatedUnion('kind', [
          z.object({ kind: z.literal('circle'), radius: z.number() }),
          z.object({ kind: z.literal('square'), side: z.number() }),
        ]),
      }),
      output: z.object({}),
      http: 'POST /things/{thingId}',
      idempotent: 'key',
      allow: 'signed-in',
    }),
    watch: serverStream({
      input: z.object({}),
      output: z.object({ version: z.int32() }),
      http: 'GET /watch',
      allow: 'public',
    }),
  },
  { description: evil },
)

const document = toOpenApi([Tricky], { title: evil, version: evil, description: evil, basePath: '/api' })
const page = docsPage(document, '/api/openapi.json')

describe('the page that describes an API', () => {
  test('shows the words of a contract as words', () => {
    assert.doesNotMatch(page, /<script>alert/)
    assert.match(page, /&lt;script&gt;alert\(&quot;1&quot;\)/)
    assert.equal(page.match(/<script/g)?.length, 1)
  })

  test('has no inline script and no inline style, which its policy would refuse', () => {
    assert.doesNotMatch(page, /<style|\sstyle=|\son[a-z]+=|javascript:/i)
  })

  test('has one anchor for each operation, and links to all of them', () => {
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(match => match[1])
    assert.equal(new Set(ids).size, ids.length, 'an id is there twice')
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g))
      assert.ok(ids.includes(target as string), String(target))
  })

  test('tells parameters, bodies, answers and how to sign in', () => {
    for (const part of [
      'integer, 1 to 50',
      'list of string',
      'string, at least 3 characters',
      'The owner may; others need the permission',
      'Deprecated: use the other',
      'idempotency-key',
      '<code>radius</code>',
      'GONE',
      'open to all',
      'signed in',
    ]) {
      assert.ok(page.includes(part) || page.includes(part.replace('<code>', '<code class="name">')), part)
    }
  })

  test('gives commands that can be copied', () => {
    assert.match(page, /curl -X POST &quot;|curl -X POST "/)
    assert.match(page, /\/api\/things\/THING_ID"/)
    assert.match(page, /-H &#39;idempotency-key: /)
    assert.match(page, /curl -N "/)
    assert.match(page, /-d &#39;\{&quot;note&quot;:&quot;note&quot;,/)
  })

  test('closes what it opens', () => {
    const open: string[] = []
    for (const [, slash, name] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)(?:\s[^<>]*)?>/g)) {
      if (['meta', 'link', 'input', 'wbr'].includes(name as string)) continue
      if (slash === '') open.push(name as string)
      else assert.equal(open.pop(), name)
    }
    assert.deepEqual(open, [])
  })
})

test('an example ends for a type within itself', () => {
  const schemas = {
    Node: { type: 'object', properties: { next: { $ref: '#/components/schemas/Node' } }, required: ['next'] },
  }
  assert.ok(JSON.stringify(exampleOf({ $ref: '#/components/schemas/Node' }, schemas)).length < 200)
})
