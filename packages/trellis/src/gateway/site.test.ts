import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { createVirtualRuntime } from '../testing/index.ts'
import { startScene } from './gateway.test-fixture.ts'
import { fileName, Site } from './site.ts'

const limit = { timeout: 20_000 }
let parent: string
let folder: string

before(async () => {
  parent = await mkdtemp(join(tmpdir(), 'trellis-site-'))
  folder = join(parent, 'public')
  await mkdir(join(folder, 'styles'), { recursive: true })
  await mkdir(join(folder, 'odd name'))
  await writeFile(join(parent, 'secret.txt'), 'secret')
  await writeFile(join(folder, 'index.html'), '<h1>Hello</h1>')
  await writeFile(join(folder, '.env'), 'SECRET=1')
  await writeFile(join(folder, 'styles', 'main.css'), 'h1 {}')
  await writeFile(join(folder, 'odd name', 'ä.txt'), 'odd')
  await writeFile(join(folder, 'data.unknown'), 'bytes')
  await symlink(join(folder, 'index.html'), join(folder, 'link.html'))
})
after(() => rm(parent, { recursive: true, force: true }))

describe('a site', () => {
  test('serves its files with their types and strict headers', limit, async t => {
    const scene = await startScene(t, { site: { folder } })
    for (const [path, type] of [
      ['/', 'text/html; charset=utf-8'],
      ['/index.html', 'text/html; charset=utf-8'],
      ['/?from=mail', 'text/html; charset=utf-8'],
      ['/styles/main.css', 'text/css; charset=utf-8'],
      ['/odd%20name/%C3%A4.txt', 'text/plain; charset=utf-8'],
      ['/data.unknown', 'application/octet-stream'],
      ['/link.html', 'text/html; charset=utf-8'],
    ] as const) {
      const answer = await scene.request('GET', path)
      assert.deepEqual([answer.status, answer.header('content-type')], [200, type], path)
      assert.match(answer.header('content-security-policy') ?? '', /default-src 'self'/)
      assert.equal(answer.header('x-content-type-options'), 'nosniff')
      assert.equal(answer.header('cache-control'), 'no-cache')
    }
  })

  test('takes the policy that it is given', limit, async t => {
    const scene = await startScene(t, {
      site: { folder, contentSecurityPolicy: "default-src 'self' https://img.example" },
    })
    assert.match((await scene.request('GET', '/')).header('content-security-policy') ?? '', /img\.example/)
  })

  test('never leaves its folder, and hides what begins with a dot', limit, async t => {
    const scene = await startScene(t, { site: { folder } })
    for (const path of [
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/styles/../../secret.txt',
      '/styles/%2e%2e/%2e%2e/secret.txt',
      '/..\\secret.txt',
      '/%5c..%5csecret.txt',
      '/%252e%252e/secret.txt',
      '/.env',
      '/styles',
      '/index.html/',
      '/index.html/more',
      '//index.html',
      '/index.html%00.css',
      '/%ff',
      `/${'a'.repeat(900)}`,
      `/${'a/'.repeat(600)}`,
    ]) {
      const text = await scene.raw(`GET ${path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n`)
      assert.match(text, /^HTTP\/1\.1 404 /, path)
      assert.doesNotMatch(text, /secret|SECRET/, path)
    }
  })

  test('is read, not written', limit, async t => {
    const scene = await startScene(t, { site: { folder } })
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      assert.equal((await scene.request(method, '/index.html')).status, 404, method)
    }
  })

  test('stands behind the API', limit, async t => {
    const scene = await startScene(t, { site: { folder }, basePath: '' })
    assert.equal((await scene.request('GET', '/books/b-1')).json.bookId, 'b-1')
    assert.equal((await scene.request('GET', '/')).text, '<h1>Hello</h1>')
  })

  test('answers HEAD with the length, and 304 to who has it', limit, async t => {
    const scene = await startScene(t, { site: { folder } })
    const get = await scene.request('GET', '/')
    const head = await scene.request('HEAD', '/')
    assert.deepEqual([head.status, head.text, head.header('content-length')], [200, '', '14'])
    const etag = get.header('etag') as string
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await scene.request('GET', '/', ['if-none-match', known])
      assert.deepEqual([again.status, again.text, again.header('etag')], [304, '', etag], known)
    }
    assert.equal((await scene.request('GET', '/', ['if-none-match', '"other"'])).status, 200)
  })

  test('shows a file that was changed', async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    const site = new Site(runtime, 'site')
    await runtime.run(runtime.fs.makeFolder('site'))
    await runtime.run(runtime.fs.write('site/a.txt', 'one'))
    const first = await runtime.run(site.find('/a.txt'))
    await runtime.run(runtime.fs.write('site/a.txt', 'two'))
    assert.equal((await runtime.run(site.find('/a.txt')))?.etag, first?.etag)
    await runtime.advance(1_000)
    const second = await runtime.run(site.find('/a.txt'))
    assert.equal(Buffer.from(second?.bytes ?? []).toString(), 'two')
    assert.notEqual(second?.etag, first?.etag)
    await runtime.run(runtime.fs.remove('site/a.txt'))
    await runtime.advance(1_000)
    assert.equal(await runtime.run(site.find('/a.txt')), undefined)
  })

  test('keeps no more than its share of memory', async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    const site = new Site(runtime, 'site')
    const reads: string[] = []
    const read = runtime.fs.read.bind(runtime.fs)
    runtime.fs.read = path => {
      reads.push(path)
      return read(path)
    }
    await runtime.run(runtime.fs.makeFolder('site'))
    const names = Array.from({ length: 6 }, (_, index) => `${index}.bin`)
    for (const name of names) await runtime.run(runtime.fs.write(`site/${name}`, new Uint8Array(7_000_000)))
    for (const name of names) await runtime.run(site.find(`/${name}`))
    reads.length = 0
    await runtime.run(site.find('/5.bin'))
    await runtime.run(site.find('/0.bin'))
    assert.deepEqual(reads, ['site/0.bin'])
  })
})

test('no path of a request leads to a name that leaves the folder', () => {
  const piece = fc.constantFrom('..', '.', '/', '%2f', '%2e', '%5c', '\\', '%00', 'a', '%25', ':', '%C3%A4', '//')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
      const name = fileName(`/${pieces.join('')}`)
      if (name === undefined) return
      assert.ok(!name.startsWith('/') && !/[\\:\0]/.test(name))
      for (const segment of name.split('/')) assert.ok(segment !== '' && !segment.startsWith('.'), name)
    }),
  )
})
