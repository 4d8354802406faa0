import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault, untilCancelled } from '../kernel/index.ts'
import type { Headers } from '../wire/exchange.ts'
import { header } from '../wire/exchange.ts'
import { expose } from './expose.ts'
import { ANN, Books, CLERK, PLACES, type Scene, startScene } from './gateway.test-fixture.ts'

const limit = { timeout: 20_000 }
const host = 'host: gateway\r\n'

/** The last request as the service saw it. */
function lastSeen(scene: Scene): Headers {
  return scene.seen.at(-1) as Headers
}

for (const place of PLACES) {
  describe(`a gateway before a ${place} service`, () => {
    test('passes a request on and its answer back', limit, async t => {
      const scene = await startScene(t, { place })
      const answer = await scene.request('GET', '/api/books/b-7')
      assert.equal(answer.status, 200)
      assert.deepEqual(answer.json, { bookId: 'b-7', title: 'A book' })
      assert.equal(answer.header('content-type'), 'application/json')
    })

    test('passes a body and a status on', limit, async t => {
      const scene = await startScene(t, { place })
      const answer = await scene.request('POST', '/api/books', ANN, '{"title":"New"}')
      assert.equal(answer.status, 201)
      assert.deepEqual(answer.json, { bookId: 'b-1', title: 'New' })
    })

    test('passes a large body and a large answer on', limit, async t => {
      const scene = await startScene(t, { place })
      const title = 'x'.repeat(400_000)
      const answer = await scene.request('PUT', '/api/books/b-1', [], JSON.stringify({ title }))
      assert.equal(answer.status, 200)
      assert.equal(answer.json.title, title)
    })

    test('passes an empty answer on', limit, async t => {
      const scene = await startScene(t, { place })
      const answer = await scene.request('DELETE', '/api/books/b-1', CLERK)
      assert.equal(answer.status, 204)
      assert.equal(answer.text, '')
    })

    test('answers HEAD with the head of GET', limit, async t => {
      const scene = await startScene(t, { place })
      const [get, head] = [await scene.request('GET', '/api/books/b-7'), await scene.request('HEAD', '/api/books/b-7')]
      assert.equal(head.status, 200)
      assert.equal(head.text, '')
      assert.equal(head.header('content-length'), get.header('content-length'))
    })

    test('passes a fault of the service on as it is', limit, async t => {
      const scene = await startScene(t, { place })
      scene.act = () =>
        Promise.reject(
          new Fault('resource_exhausted', 'Too many.', { reason: 'QUOTA', retryAfterMs: 3_000, details: { left: 0 } }),
        )
      const answer = await scene.request('GET', '/api/books/b-7')
      assert.equal(answer.status, 429)
      assert.equal(answer.header('retry-after'), '3')
      const { code, reason, detail, details } = answer.json
      assert.deepEqual([code, reason, detail, details], ['resource_exhausted', 'QUOTA', 'Too many.', { left: 0 }])
    })

    test('refuses a bad token itself, on public operations too', limit, async t => {
      const scene = await startScene(t, { place })
      for (const value of ['Bearer forged', 'Basic YTpi', 'Bearer', 'Bearer service.users.x y']) {
        const answer = await scene.request('GET', '/api/books/b-7', ['authorization', value])
        assert.equal(answer.status, 401, value)
        assert.equal(answer.header('www-authenticate'), 'Bearer')
      }
      assert.equal(scene.seen.length, 0)
    })

    test('refuses who is not signed in, or may not, before the service hears of it', limit, async t => {
      const scene = await startScene(t, { place })
      const anonymous = await scene.request('POST', '/api/books', [], '{"title":"New"}')
      assert.deepEqual([anonymous.status, anonymous.json.reason], [401, 'SIGN_IN_REQUIRED'])
      const customer = await scene.request('DELETE', '/api/books/b-1', ANN)
      assert.deepEqual([customer.status, customer.json.reason], [403, 'PERMISSION_REQUIRED'])
      const nobody = await scene.request('GET', '/api/books/b-1/notes')
      assert.equal(nobody.status, 401)
      assert.equal(scene.seen.length, 0)
    })

    test('leaves it to the service whose a thing is', limit, async t => {
      const scene = await startScene(t, { place })
      assert.equal((await scene.request('GET', '/api/books/b-1/notes', ANN)).status, 200)
      assert.equal(
        (await scene.request('GET', '/api/books/b-1/notes', ['authorization', 'Bearer user.bob'])).status,
        404,
      )
    })

    test('tells the service who asks, through whom, and from where', limit, async t => {
      const scene = await startScene(t, { place })
      await scene.request('GET', '/api/books/b-1', ANN)
      assert.deepEqual([scene.identities[0]?.subject, scene.identities[0]?.via], ['ann', 'gateway'])
      assert.deepEqual(scene.addresses, ['127.0.0.1'])
      const seen = lastSeen(scene)
      assert.equal(header(seen, 'x-forwarded-for'), '127.0.0.1')
      assert.equal(header(seen, 'x-forwarded-proto'), 'http')
    })

    test('lets nobody outside speak for the platform', limit, async t => {
      const scene = await startScene(t, { place })
      const forged: Headers = [
        ...['trellis-service-token', 'service.users', 'trellis-client-address', '10.9.9.9', 'trellis-anything', 'x'],
        ...['x-forwarded-for', '10.9.9.9', 'x-forwarded-host', 'evil', 'x-forwarded-proto', 'https'],
        ...['x-real-ip', '10.9.9.9', 'forwarded', 'for=10.9.9.9', 'proxy-authorization', 'x', 'via', '1.1 evil'],
      ]
      await scene.request('GET', '/api/books/b-1', [...forged, ...ANN])
      assert.equal(scene.identities[0]?.via, 'gateway')
      assert.deepEqual(scene.addresses, ['127.0.0.1'])
      assert.ok(!lastSeen(scene).some(text => /10\.9\.9\.9|evil/.test(text)), 'a forged value reached the service')
      assert.equal(header(lastSeen(scene), 'trellis-anything'), undefined)
      assert.equal(lastSeen(scene).filter(text => text === 'trellis-service-token').length, 1)
    })

    test('has only what is exposed', limit, async t => {
      const scene = await startScene(t, { place, routes: [expose(Books, { except: ['put'] })] })
      for (const [method, path] of [
        ['GET', '/metrics'],
        ['GET', '/api/metrics'],
        ['GET', '/livez'],
        ['POST', '/kit.books.v1.Books/Get'],
        ['POST', '/api/kit.books.v1.Books/Audit'],
        ['POST', '/api/reindex'],
        ['GET', '/books/b-1'],
        ['GET', '/apibooks/b-1'],
        ['GET', '/api'],
        ['GET', '/api/books/b-1/'],
        ['GET', '//api/books/b-1'],
      ] as const) {
        const answer = await scene.request(method, path, [], method === 'POST' ? '{}' : undefined)
        assert.deepEqual([answer.status, answer.json.reason], [404, 'UNKNOWN_PATH'], path)
      }
      assert.equal((await scene.request('PUT', '/api/books/b-1', [], '{"title":"x"}')).status, 405)
      assert.equal(scene.seen.length, 0)
    })

    test('gives a call its default deadline, and the caller a shorter one', limit, async t => {
      const scene = await startScene(t, { place })
      await scene.request('GET', '/api/books/b-1')
      const given = Number(header(lastSeen(scene), 'trellis-timeout-ms'))
      assert.ok(given > 4_000 && given <= 5_000, String(given))
      await scene.request('GET', '/api/books/b-1', ['trellis-timeout-ms', '900'])
      const asked = Number(header(lastSeen(scene), 'trellis-timeout-ms'))
      assert.ok(asked > 500 && asked <= 900, String(asked))
      await scene.request('GET', '/api/books/b-1', ['connect-timeout-ms', '9999999999'])
      const most = Number(header(lastSeen(scene), 'trellis-timeout-ms'))
      assert.ok(most > 59_000 && most <= 60_000, String(most))
    })

    test('answers 504 when the deadline has passed', limit, async t => {
      const scene = await startScene(t, { place })
      scene.act = ctx => untilCancelled(ctx, new Promise(() => undefined))
      const answer = await scene.request('GET', '/api/books/b-1', ['trellis-timeout-ms', '50'])
      assert.deepEqual([answer.status, answer.json.code], [504, 'deadline_exceeded'])
    })

    test('refuses a timeout that is none', limit, async t => {
      const scene = await startScene(t, { place })
      const answer = await scene.request('GET', '/api/books/b-1', ['trellis-timeout-ms', '1e3'])
      assert.deepEqual([answer.status, answer.json.reason], [400, 'INVALID_TIMEOUT'])
      assert.equal(scene.seen.length, 0)
    })

    test('goes on with the trace of the caller', limit, async t => {
      const scene = await startScene(t, { place })
      const traceId = '0af7651916cd43dd8448eb211c80319c'
      const headers = [
        'traceparent',
        `00-${traceId}-b7ad6b7169203331-01`,
        'tracestate',
        'a=1',
        'baggage',
        'tenant=blue',
      ]
      await scene.request('GET', '/api/books/b-1', headers)
      assert.equal(scene.contexts[0]?.trace.traceId, traceId)
      assert.equal(scene.contexts[0]?.trace.state, 'a=1')
      assert.equal(scene.contexts[0]?.baggage.tenant, 'blue')
    })

    test('starts a trace of its own when told to', limit, async t => {
      const scene = await startScene(t, { place, trace: 'restart' })
      const traceId = '0af7651916cd43dd8448eb211c80319c'
      const headers = ['traceparent', `00-${traceId}-b7ad6b7169203331-01`, 'baggage', 'tenant=blue']
      await scene.request('GET', '/api/books/b-1', headers)
      assert.notEqual(scene.contexts[0]?.trace.traceId, traceId)
      assert.equal(scene.contexts[0]?.baggage.tenant, undefined)
    })

    test('refuses a body that is announced as too large before it has come', limit, async t => {
      const scene = await startScene(t, { place, maxBodyBytes: 100 })
      const text = await scene.raw(
        `PUT /api/books/b-1 HTTP/1.1\r\n${host}content-type: application/json\r\ncontent-length: 101\r\n\r\n`,
      )
      assert.match(text, /^HTTP\/1\.1 413 /)
      assert.match(text, /BODY_TOO_LARGE/)
      assert.match(text, /connection: close/i)
      assert.equal(scene.contexts.length, 0)
    })

    test('refuses a body of unknown length once it is too large', limit, async t => {
      const scene = await startScene(t, { place, maxBodyBytes: 100 })
      const piece = `40\r\n${'x'.repeat(64)}\r\n`
      const text = await scene.raw(
        `PUT /api/books/b-1 HTTP/1.1\r\n${host}connection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${piece}${piece}0\r\n\r\n`,
      )
      assert.match(text, /^HTTP\/1\.1 413 /)
      assert.equal(scene.contexts.length, 0)
    })

    test('takes the limit of a route before its own', limit, async t => {
      const scene = await startScene(t, { place, maxBodyBytes: 10, routes: [expose(Books, { maxBodyBytes: 1_000 })] })
      assert.equal((await scene.request('PUT', '/api/books/b-1', [], '{"title":"A long title"}')).status, 200)
    })

    test('streams events as they come', limit, async t => {
      const scene = await startScene(t, { place })
      const next = Promise.withResolvers<void>()
      scene.changes = async function* () {
        yield { version: 1 }
        await next.promise
        yield { version: 2 }
      }
      const stream = await scene.open('/api/books/b-1/changes', ['accept', 'text/event-stream'])
      assert.equal(header(stream.headers, 'content-type'), 'text/event-stream')
      await stream.until('id: 1\ndata: {"version":1}\n\n')
      assert.doesNotMatch(stream.text, /id: 2/)
      next.resolve()
      await stream.until('id: 2\ndata: {"version":2}\n\n')
      await stream.ended
    })

    test('stops the service when the reader of a stream goes', limit, async t => {
      const scene = await startScene(t, { place })
      const stopped = Promise.withResolvers<void>()
      scene.changes = async function* (ctx) {
        try {
          yield { version: 1 }
          await untilCancelled(ctx, new Promise(() => undefined))
        } finally {
          stopped.resolve()
        }
      }
      const stream = await scene.open('/api/books/b-1/changes', ['accept', 'text/event-stream'])
      await stream.until('id: 1')
      stream.close()
      await stopped.promise
    })

    test('counts the streams of a caller, and takes another one once one has ended', limit, async t => {
      const scene = await startScene(t, { place, maxStreamsPerCaller: 1 })
      const stopped = Promise.withResolvers<void>()
      scene.changes = async function* (ctx) {
        try {
          yield { version: 1 }
          await untilCancelled(ctx, new Promise(() => undefined))
        } finally {
          stopped.resolve()
        }
      }
      const of = (name: string) => ['accept', 'text/event-stream', 'authorization', `Bearer user.${name}`]
      const first = await scene.open('/api/books/b-1/changes', of('ann'))
      await first.until('id: 1')
      const refused = await scene.request('GET', '/api/books/b-1/changes', of('ann'))
      assert.equal(refused.status, 429)
      assert.equal(refused.json.reason, 'TOO_MANY_STREAMS')
      assert.equal((await scene.request('GET', '/api/books/b-1', of('ann'))).status, 200)
      const other = await scene.open('/api/books/b-1/changes', of('bob'))
      await other.until('id: 1')
      first.close()
      await stopped.promise
      const again = await scene.open('/api/books/b-1/changes', of('ann'))
      await again.until('id: 1')
      other.close()
      again.close()
    })

    test('stops the service when the caller goes', limit, async t => {
      const scene = await startScene(t, { place })
      const [began, stopped] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()]
      scene.act = ctx => {
        ctx.onCancelled(fault => stopped.resolve(fault.reason))
        began.resolve()
        return new Promise(() => undefined)
      }
      const leave = scene.connect('GET /api/books/b-1 HTTP/1.1\r\nhost: gateway\r\n\r\n')
      await began.promise
      leave()
      assert.equal(await stopped.promise, 'CALLER_GONE')
    })

    test('sends its own security headers in place of what the service sends', limit, async t => {
      const scene = await startScene(t, { place })
      for (const path of ['/api/books/b-1', '/api/nothing']) {
        const answer = await scene.request('GET', path)
        assert.match(answer.header('content-security-policy') ?? '', /default-src 'none'/)
        assert.equal(answer.header('x-content-type-options'), 'nosniff')
      }
    })

    test('counts and logs every request once, refused ones included', limit, async t => {
      const lines: string[] = []
      const scene = await startScene(t, {
        place,
        middleware: [
          (next, target) => async (input, ctx) => {
            ctx.onSettled(outcome => lines.push(`${target.operation} ${outcome.ok ? 'ok' : outcome.fault.reason}`))
            return next(input, ctx)
          },
        ],
      })
      scene.act = ctx =>
        ctx.identity?.kind === 'user'
          ? Promise.resolve()
          : Promise.reject(new Fault('aborted', 'No.', { reason: 'LOST' }))
      await scene.request('GET', '/api/books/b-1', ANN)
      await scene.request('GET', '/api/books/b-1')
      await scene.request('DELETE', '/api/books/b-1')
      await scene.request('GET', '/api/nothing')
      await scene.request('OPTIONS', '/api/books')
      await scene.request('GET', '/docs')
      assert.deepEqual(lines, [
        'get ok',
        'get LOST',
        'remove SIGN_IN_REQUIRED',
        'unknown UNKNOWN_PATH',
        'options ok',
        'docs ok',
      ])
    })
  })
}

describe('a gateway', () => {
  test('says which methods a path has', limit, async t => {
    const scene = await startScene(t)
    const wrong = await scene.request('POST', '/api/books/b-1', [], '{}')
    assert.deepEqual([wrong.status, wrong.json.reason], [405, 'METHOD_NOT_ALLOWED'])
    assert.equal(wrong.header('allow'), 'DELETE, GET, PUT, HEAD, OPTIONS')
    const options = await scene.request('OPTIONS', '/api/books/b-1')
    assert.deepEqual([options.status, options.header('allow')], [204, 'DELETE, GET, PUT, HEAD, OPTIONS'])
    assert.equal((await scene.request('POST', '/docs', [], '{}')).status, 405)
  })

  test('refuses a path that two readers could read differently', limit, async t => {
    const scene = await startScene(t)
    for (const path of ['/api/books/%2e%2e', '/api/books/../metrics', '/api/books/%ff', '/api/books/.']) {
      assert.match(
        await scene.raw(`GET ${path} HTTP/1.1\r\n${host}connection: close\r\n\r\n`),
        /^HTTP\/1\.1 400 /,
        path,
      )
    }
    assert.equal(scene.seen.length, 0)
  })

  test('takes a target in absolute form', limit, async t => {
    const scene = await startScene(t)
    const text = await scene.raw(`GET http://gateway/api/books/b-1 HTTP/1.1\r\n${host}connection: close\r\n\r\n`)
    assert.match(text, /^HTTP\/1\.1 200 /)
    assert.equal(scene.contexts.length, 1)
  })

  test('refuses a request whose length two readers could read differently', limit, async t => {
    const scene = await startScene(t)
    const twice = `POST /api/books HTTP/1.1\r\n${host}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`
    assert.match(await scene.raw(twice), /^HTTP\/1\.1 400 /)
    assert.equal(scene.seen.length, 0)
  })

  test('drops what a caller names in connection, but not what a body needs', limit, async t => {
    const scene = await startScene(t)
    const body = '{"title":"New"}'
    const head = `PUT /api/books/b-1 HTTP/1.1\r\n${host}connection: close, x-secret, content-length, content-type\r\nx-secret: 1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    assert.match(await scene.raw(head + body), /^HTTP\/1\.1 200 /)
    assert.equal(header(lastSeen(scene), 'x-secret'), undefined)
  })

  test('believes a proxy of its own about the caller', limit, async t => {
    const scene = await startScene(t, { place: 'remote', trustedProxies: 1 })
    await scene.request('GET', '/api/books/b-1', ['x-forwarded-for', '1.2.3.4, 5.6.7.8', 'x-forwarded-proto', 'https'])
    assert.deepEqual(scene.addresses, ['5.6.7.8'])
    assert.equal(header(lastSeen(scene), 'x-forwarded-for'), '1.2.3.4, 5.6.7.8, 127.0.0.1')
    assert.equal(header(lastSeen(scene), 'x-forwarded-proto'), 'https')
  })

  test('lets pages of other origins in when they are named', limit, async t => {
    const scene = await startScene(t, { cors: { origins: ['https://shop.example'] } })
    const named = await scene.request('GET', '/api/books/b-1', ['origin', 'https://shop.example'])
    assert.equal(named.header('access-control-allow-origin'), 'https://shop.example')
    assert.equal(named.header('vary'), 'origin')
    const other = await scene.request('GET', '/api/books/b-1', ['origin', 'https://evil.example'])
    assert.equal(other.header('access-control-allow-origin'), undefined)
    const refused = await scene.request('POST', '/api/books', ['origin', 'https://shop.example'], '{}')
    assert.equal(refused.header('access-control-allow-origin'), 'https://shop.example')
    const asked = await scene.request('OPTIONS', '/api/books', [
      ...['origin', 'https://shop.example', 'access-control-request-method', 'POST'],
    ])
    assert.equal(asked.status, 204)
    assert.match(asked.header('access-control-allow-methods') ?? '', /POST/)
    assert.match(asked.header('access-control-allow-headers') ?? '', /idempotency-key/)
  })

  test('lets no page of another origin in by default', limit, async t => {
    const scene = await startScene(t)
    const answer = await scene.request('OPTIONS', '/api/books', ['origin', 'https://shop.example'])
    assert.ok(!answer.headers.some(text => text.startsWith('access-control')))
  })

  test('answers 500 without details when a local service throws', limit, async t => {
    const scene = await startScene(t, {
      upstream: () => ({
        forward() {
          throw new Error('secret')
        },
        check: () => Promise.resolve(),
      }),
    })
    const answer = await scene.request('GET', '/api/books/b-1')
    assert.deepEqual([answer.status, answer.json.code], [500, 'internal'])
    assert.doesNotMatch(answer.text, /secret/)
  })

  test('answers what an identity that can not be known asks for', limit, async t => {
    const fault = new Fault('unavailable', 'No keys yet.', { reason: 'KEYS_UNAVAILABLE' })
    const scene = await startScene(t, { identify: () => Promise.reject(fault) })
    const answer = await scene.request('GET', '/api/books/b-1')
    assert.deepEqual([answer.status, answer.json.reason], [503, 'KEYS_UNAVAILABLE'])
  })

  test('names two operations of one route when it is made', limit, async t => {
    await assert.rejects(startScene(t, { routes: [expose(Books), expose(Books)] }), /GET \/books\/\{bookId\}/)
  })

  test('refuses options that make no sense', limit, async t => {
    await assert.rejects(startScene(t, { basePath: 'api/' }), TypeError)
    await assert.rejects(startScene(t, { maxBodyBytes: -1 }), RangeError)
    await assert.rejects(startScene(t, { trustedProxies: 0.5 }), RangeError)
    await assert.rejects(startScene(t, { cors: { origins: ['shop.example'] } }), TypeError)
  })

  test('serves at the root when it has no base path', limit, async t => {
    const scene = await startScene(t, { basePath: '' })
    assert.equal((await scene.request('GET', '/books/b-1')).status, 200)
    assert.equal((await scene.request('GET', '/openapi.json')).status, 200)
  })
})
