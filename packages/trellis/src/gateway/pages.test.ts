import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expose } from './expose.ts'
import { Books, startScene } from './gateway.test-fixture.ts'

const limit = { timeout: 20_000 }

describe('the description of an API', () => {
  test('is one valid OpenAPI document of what is exposed, and no more', limit, async t => {
    const scene = await startScene(t, {
      routes: [expose(Books, { except: ['put'] })],
      title: 'Library',
      version: '2.1.0',
    })
    const answer = await scene.request('GET', '/api/openapi.json')
    assert.equal(answer.header('content-type'), 'application/json')
    const checked = await new Validator().validate(JSON.parse(answer.text))
    assert.deepEqual([checked.valid, checked.errors], [true, undefined])
    const { info, paths } = answer.json as { info: unknown; paths: Record<string, Record<string, unknown>> }
    assert.deepEqual(info, { title: 'Library', version: '2.1.0' })
    assert.deepEqual(Object.keys(paths).sort(), [
      '/api/books',
      '/api/books/{bookId}',
      '/api/books/{bookId}/changes',
      '/api/books/{bookId}/notes',
    ])
    assert.deepEqual(Object.keys(paths['/api/books/{bookId}'] ?? {}).sort(), ['delete', 'get'])
  })

  test('costs nothing to who has it', limit, async t => {
    const scene = await startScene(t)
    const etag = (await scene.request('GET', '/api/openapi.json')).header('etag') as string
    assert.equal((await scene.request('GET', '/api/openapi.json', ['if-none-match', etag])).status, 304)
  })

  test('has a page for people, whose parts are all there', limit, async t => {
    const scene = await startScene(t, { title: 'Library' })
    const page = await scene.request('GET', '/docs')
    assert.equal(page.header('content-type'), 'text/html; charset=utf-8')
    assert.match(page.header('content-security-policy') ?? '', /default-src 'self'/)
    assert.match(page.text, /<title>Library – API<\/title>/)
    const links = [...page.text.matchAll(/(?:href|src)="(\/[^"]*)"/g)].map(match => match[1] as string)
    assert.ok(links.length >= 3)
    for (const link of links) assert.equal((await scene.request('GET', link)).status, 200, link)
  })

  test('can be left out', limit, async t => {
    const scene = await startScene(t, { docs: false })
    for (const path of ['/docs', '/api/openapi.json']) assert.equal((await scene.request('GET', path)).status, 404)
  })
})
