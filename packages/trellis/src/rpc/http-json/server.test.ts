import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { contract, serverStream, unary } from '../../contract/index.ts'
import type { Context } from '../../kernel/index.ts'
import { Fault, isFault, sleep } from '../../kernel/index.ts'
import type { VirtualRuntime } from '../../testing/index.ts'
import { createVirtualRuntime } from '../../testing/index.ts'
import type { Headers } from '../../wire/exchange.ts'
import { header } from '../../wire/exchange.ts'
import { createHttpClient, createHttpServer } from '../../wire/http1/index.ts'
import type { RpcServer } from '../index.ts'
import { createRpcServer, implement, respondWith } from '../index.ts'
import type { HttpJsonHandler, HttpJsonOptions } from './server.ts'
import { createHttpJsonHandler } from './server.ts'

const Book = z.object({ bookId: z.string(), pages: z.int32() })

const Books = contract('kit.books.v1.Books', {
  get: unary({
    input: z.object({ bookId: z.string(), page: z.int32().optional(), tag: z.array(z.string()).optional() }),
    output: Book,
    http: 'GET /books/{bookId}',
    allow: 'public',
  }),
  put: unary({ input: Book, output: Book, http: 'PUT /books/{bookId}', status: [200, 201], allow: 'public' }),
  add: unary({
    input: z.object({ pages: z.int32() }),
    output: Book,
    http: 'POST /books',
    status: 201,
    allow: 'public',
  }),
  remove: unary({
    input: z.object({ bookId: z.string() }),
    output: z.object({}),
    http: 'DELETE /books/{bookId}',
    status: 204,
    allow: 'public',
  }),
  internal: unary({ input: z.object({}), output: z.object({}), allow: 'internal' }),
  changes: serverStream({
    input: z.object({ bookId: z.string(), after: z.int32().optional() }),
    output: z.object({ status: z.string(), event: z.object({ type: z.string(), version: z.int32() }) }),
    http: 'GET /books/{bookId}/changes',
    allow: 'public',
    sse: { event: 'event.type', id: 'event.version', resume: 'after' },
  }),
})

interface Change {
  status: string
  event: { type: string; version: number }
}

interface Scene {
  readonly runtime: VirtualRuntime
  readonly handler: HttpJsonHandler
  act: (ctx: Context) => Promise<unknown>
  changes: (input: { bookId: string; after?: number | undefined }, ctx: Context) => AsyncIterable<Change>
  request(method: string, target: string, headers?: Headers, body?: string): Promise<Answer>
  /** Opens a stream; what it wrote so far is in `text`. */
  open(
    target: string,
    headers?: Headers,
  ): Promise<{ status: number; text: string; ended: boolean; close(): void; pause(): void }>
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly problem: { code?: string; reason?: string; status?: number; detail?: string; details?: unknown }
}

const change = (version: number): Change => ({ status: 'open', event: { type: `changed-${version}`, version } })

function server(scene: Scene): RpcServer {
  return createRpcServer({
    authorize: next => next,
    implementations: [
      implement(Books, {
        async get({ bookId, page, tag }, ctx) {
          await scene.act(ctx)
          return { bookId: bookId + (tag ?? []).join('+'), pages: page ?? 0 }
        },
        async put(book, ctx) {
          if (book.bookId === 'strange') respondWith(ctx, 418)
          if (book.bookId === 'new') respondWith(ctx, 201)
          return book
        },
        add: async ({ pages }) => ({ bookId: 'b-1', pages }),
        remove: async () => ({}),
        internal: async () => ({}),
        changes: (input, ctx) => scene.changes(input, ctx),
      }),
    ],
  })
}

function scenario(title: string, body: (scene: Scene) => Promise<void>, options: HttpJsonOptions = {}): void {
  test(title, { timeout: 20_000 }, async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    const partial = { runtime, act: async () => undefined, changes: () => assert.fail() } as unknown as Scene
    const handler = createHttpJsonHandler(runtime, server(partial), options)
    const http = createHttpServer(runtime, { handler: handler.handle })
    const address = await runtime.run(http.listen({ host: '127.0.0.1', port: 0 }))
    const client = createHttpClient(runtime)
    const scene: Scene = Object.assign(partial, {
      handler,
      async request(method: string, target: string, headers: Headers = [], sent?: string): Promise<Answer> {
        const request = { method, target, headers, ...(sent === undefined ? {} : { body: sent }) }
        const response = await runtime.run(client.request(address, request))
        const text = Buffer.from(await runtime.run(response.readAll(1e6))).toString()
        const isProblem = header(response.headers, 'content-type') === 'application/problem+json'
        return {
          status: response.status,
          headers: response.headers,
          text,
          problem: isProblem && text !== '' ? JSON.parse(text) : {},
        }
      },
      async open(target: string, headers: Headers = []) {
        const socket = await runtime.run(runtime.net.connect(address))
        const lines = ['GET', target, 'HTTP/1.1\r\nhost: x\r\n'].join(' ')
        let head = ''
        for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`
        const stream = {
          status: 0,
          text: '',
          ended: false,
          close: () => void socket.destroy(),
          pause: () => void socket.pause(),
        }
        socket.on('error', () => undefined)
        socket.on('data', (bytes: Uint8Array) => {
          stream.text += Buffer.from(bytes).toString()
          stream.status = Number(stream.text.slice(9, 12))
          if (stream.text.endsWith('\r\n0\r\n\r\n')) stream.ended = true
        })
        socket.write(`${lines}${head}\r\n`)
        await runtime.settle()
        return stream
      },
    })
    try {
      await body(scene)
    } finally {
      await runtime.run(client.close())
      await runtime.run(http.close({ graceMs: 1 }))
    }
    await runtime.advance(300_000)
    assert.equal(runtime.pendingTimers, 0, 'a timer was left behind')
  })
}

const JSON_BODY: Headers = ['content-type', 'application/json']

describe('a unary call', () => {
  scenario('reads path and query by name', async ({ request }) => {
    const answer = await request('GET', '/books/a%2Fb?page=3&tag=x&tag=y+z')
    assert.equal(answer.status, 200)
    assert.equal(header(answer.headers, 'content-type'), 'application/json')
    assert.deepEqual(JSON.parse(answer.text), { bookId: 'a/bx+y z', pages: 3 })
  })

  scenario('reads the rest from the body, and answers the declared status', async ({ request }) => {
    const answer = await request('POST', '/books', ['content-type', 'application/json; charset=UTF-8'], '{"pages":7}')
    assert.equal(answer.status, 201)
    assert.deepEqual(JSON.parse(answer.text), { bookId: 'b-1', pages: 7 })
  })

  scenario('answers the status that the handler chose, when it is declared', async ({ request }) => {
    assert.equal((await request('PUT', '/books/new', JSON_BODY, '{"pages":1}')).status, 201)
    assert.equal((await request('PUT', '/books/old', JSON_BODY, '{"pages":1}')).status, 200)
    const strange = await request('PUT', '/books/strange', JSON_BODY, '{"pages":1}')
    assert.equal(strange.problem.reason, 'INVALID_OUTPUT')
  })

  scenario('without output is 204 without a body', async ({ request }) => {
    const answer = await request('DELETE', '/books/a')
    assert.equal(answer.status, 204)
    assert.equal(answer.text, '')
    assert.equal(header(answer.headers, 'content-type'), undefined)
  })

  scenario('without a REST route has a path of its own', async ({ request }) => {
    assert.equal((await request('POST', '/kit.books.v1.Books/Internal', JSON_BODY, '{}')).status, 204)
    assert.equal((await request('POST', '/kit.books.v1.Books/Add', JSON_BODY, '{"pages":1}')).status, 201)
  })

  scenario(
    'has no path of its own where they are not served, and its route below the base path',
    async ({ request }) => {
      assert.equal((await request('POST', '/kit.books.v1.Books/Internal', JSON_BODY, '{}')).status, 404)
      assert.equal((await request('GET', '/books/a')).status, 404)
      assert.equal((await request('GET', '/api/books/a')).status, 200)
    },
    { internalPaths: false, basePath: '/api' },
  )

  scenario('answers HEAD as GET without the body', async ({ request }) => {
    const answer = await request('HEAD', '/books/a')
    assert.equal(answer.status, 200)
    assert.equal(header(answer.headers, 'content-length'), String('{"bookId":"a","pages":0}'.length))
    assert.equal(answer.text, '')
  })

  scenario('answers OPTIONS with what is allowed', async ({ request }) => {
    const answer = await request('OPTIONS', '/books/a')
    assert.equal(answer.status, 204)
    assert.equal(header(answer.headers, 'allow'), 'DELETE, GET, PUT, HEAD, OPTIONS')
  })

  scenario(
    'passes what no route has to the fallback',
    async ({ request }) => {
      assert.equal((await request('GET', '/livez')).text, 'alive')
    },
    { fallback: exchange => exchange.reply(200, [], 'alive') },
  )

  scenario('has the deadline of its caller', async scene => {
    scene.act = ctx => sleep(ctx.runtime, 60_000, ctx.signal)
    const answer = await scene.request('GET', '/books/a', ['trellis-timeout-ms', '200'])
    assert.equal(answer.status, 504)
    assert.equal(answer.problem.reason, 'DEADLINE_EXCEEDED')
    const connect = await scene.request('GET', '/books/a', ['connect-timeout-ms', '200'])
    assert.equal(connect.status, 504)
  })

  scenario('is refused when its deadline is over already', async scene => {
    let called = false
    scene.act = async () => {
      called = true
    }
    assert.equal((await scene.request('GET', '/books/a', ['trellis-timeout-ms', '0'])).status, 504)
    assert.equal(called, false)
  })

  scenario('is cancelled when its caller goes', async scene => {
    let reason: unknown
    scene.act = ctx => {
      ctx.onCancelled(fault => {
        reason = fault
      })
      return new Promise(() => undefined)
    }
    const stream = await scene.open('/books/a')
    stream.close()
    await scene.runtime.settle()
    assert.ok(isFault(reason, 'CALLER_GONE'))
  })

  scenario('tells when to come back', async scene => {
    scene.act = () => Promise.reject(new Fault('unavailable', 'Wait.', { retryAfterMs: 1200 }))
    const answer = await scene.request('GET', '/books/a')
    assert.equal(answer.status, 503)
    assert.equal(header(answer.headers, 'retry-after'), '2')
  })

  scenario('that fails unexpectedly tells nothing', async scene => {
    scene.act = () => Promise.reject(new Error('hunter2'))
    const answer = await scene.request('GET', '/books/a')
    assert.equal(answer.status, 500)
    assert.equal(answer.text.includes('hunter2'), false)
    assert.equal(answer.problem.code, 'internal')
  })

  scenario(
    'of someone who is not who they say is 401',
    async ({ request }) => {
      const answer = await request('GET', '/books/a')
      assert.equal(answer.status, 401)
      assert.equal(answer.problem.reason, 'TOKEN_EXPIRED')
      assert.equal(header(answer.headers, 'www-authenticate'), 'Bearer')
    },
    {
      identify: () => {
        throw new Fault('unauthenticated', 'The token has expired; sign in again.', { reason: 'TOKEN_EXPIRED' })
      },
    },
  )

  scenario(
    'has the headers that every answer has',
    async ({ request }) => {
      assert.equal(header((await request('GET', '/books/a')).headers, 'x-a'), '1')
      assert.equal(header((await request('GET', '/nowhere')).headers, 'x-a'), '1')
    },
    { headers: ['x-a', '1'] },
  )
})

describe('bad input', () => {
  const cases: readonly [
    title: string,
    method: string,
    target: string,
    headers: Headers,
    body: string | undefined,
    status: number,
    reason: string,
  ][] = [
    ['an unknown path', 'GET', '/nowhere', [], undefined, 404, 'UNKNOWN_PATH'],
    ['a trailing slash', 'GET', '/books/a/', [], undefined, 404, 'UNKNOWN_PATH'],
    ['a method that the path does not have', 'POST', '/books/a', JSON_BODY, '{}', 405, 'METHOD_NOT_ALLOWED'],
    ['a path that is no UTF-8', 'GET', '/books/%ff', [], undefined, 400, 'INVALID_PATH'],
    ['broken percent-encoding', 'GET', '/books/%2', [], undefined, 400, 'INVALID_PATH'],
    ['an unknown query parameter', 'GET', '/books/a?pag=1', [], undefined, 400, 'INVALID_INPUT'],
    ['a path parameter in the query', 'GET', '/books/a?bookId=b', [], undefined, 400, 'INVALID_INPUT'],
    ['a scalar given twice', 'GET', '/books/a?page=1&page=2', [], undefined, 400, 'INVALID_INPUT'],
    ['a number that is none', 'GET', '/books/a?page=1e1', [], undefined, 400, 'INVALID_INPUT'],
    ['a number out of range', 'GET', '/books/a?page=99999999999', [], undefined, 400, 'INVALID_INPUT'],
    ['a query of a prototype member', 'GET', '/books/a?__proto__=1', [], undefined, 400, 'INVALID_INPUT'],
    ['a query that is no UTF-8', 'GET', '/books/a?tag=%ff', [], undefined, 400, 'INVALID_INPUT'],
    ['a query beside a body', 'POST', '/books?pages=1', JSON_BODY, '{}', 400, 'INVALID_INPUT'],
    ['broken JSON', 'POST', '/books', JSON_BODY, '{"pages":', 400, 'INVALID_JSON'],
    ['JSON that is no object', 'POST', '/books', JSON_BODY, '[1]', 400, 'INVALID_INPUT'],
    ['a body that is no UTF-8', 'POST', '/books', JSON_BODY, '{"pages":1,"\ud800":2}', 400, 'INVALID_INPUT'],
    ['a missing member', 'POST', '/books', JSON_BODY, '{}', 400, 'INVALID_INPUT'],
    ['an empty body', 'POST', '/books', JSON_BODY, '', 400, 'INVALID_INPUT'],
    ['an unknown member', 'POST', '/books', JSON_BODY, '{"pages":1,"page":1}', 400, 'INVALID_INPUT'],
    ['a prototype member', 'POST', '/books', JSON_BODY, '{"pages":1,"__proto__":{"a":1}}', 400, 'INVALID_INPUT'],
    ['a member of the wrong type', 'POST', '/books', JSON_BODY, '{"pages":"1"}', 400, 'INVALID_INPUT'],
    ['a path parameter in the body', 'PUT', '/books/a', JSON_BODY, '{"bookId":"b","pages":1}', 400, 'INVALID_INPUT'],
    [
      'a body of another media type',
      'POST',
      '/books',
      ['content-type', 'text/plain'],
      '{"pages":1}',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'a body of another charset',
      'POST',
      '/books',
      ['content-type', 'application/json; charset=latin1'],
      '{}',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['a body without a media type', 'POST', '/books', [], '{"pages":1}', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'a compressed body',
      'POST',
      '/books',
      [...JSON_BODY, 'content-encoding', 'gzip'],
      '{}',
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['a body of GET', 'GET', '/books/a', JSON_BODY, '{}', 400, 'UNEXPECTED_BODY'],
    [
      'a body that is too large',
      'POST',
      '/books',
      JSON_BODY,
      `{"pages":1,"x":"${'x'.repeat(1_048_576)}"}`,
      413,
      'BODY_TOO_LARGE',
    ],
    ['JSON nested too deep', 'POST', '/books', JSON_BODY, '['.repeat(10_000), 400, 'INVALID_JSON'],
    ['a timeout that is none', 'GET', '/books/a', ['trellis-timeout-ms', '1s'], undefined, 400, 'INVALID_TIMEOUT'],
    [
      'an idempotency key that is too long',
      'POST',
      '/books',
      [...JSON_BODY, 'idempotency-key', 'k'.repeat(256)],
      '{"pages":1}',
      400,
      'INVALID_IDEMPOTENCY_KEY',
    ],
  ]
  for (const [title, method, target, headers, body, status, reason] of cases) {
    scenario(`${title} is ${status} ${reason}`, async ({ request }) => {
      const answer = await request(method, target, headers, body)
      assert.equal(answer.problem.reason, reason)
      assert.equal(answer.status, status)
      assert.equal(answer.problem.status, status)
      assert.ok((answer.problem.detail ?? '').length > 10)
      if (status === 405) assert.match(header(answer.headers, 'allow') ?? '', /GET/)
    })
  }
})

describe('a stream', () => {
  const SSE: Headers = ['accept', 'text/event-stream']

  scenario('is SSE for who asks for it, with event and id', async scene => {
    scene.changes = async function* () {
      yield change(1)
      yield change(2)
    }
    const answer = await scene.request('GET', '/books/a/changes', SSE)
    assert.equal(header(answer.headers, 'content-type'), 'text/event-stream')
    assert.equal(
      answer.text,
      'event: changed-1\nid: 1\ndata: {"status":"open","event":{"type":"changed-1","version":1}}\n\n' +
        'event: changed-2\nid: 2\ndata: {"status":"open","event":{"type":"changed-2","version":2}}\n\n',
    )
  })

  scenario('is lines of JSON for everyone else', async scene => {
    scene.changes = async function* () {
      yield change(1)
    }
    const answer = await scene.request('GET', '/books/a/changes')
    assert.equal(header(answer.headers, 'content-type'), 'application/x-ndjson')
    assert.equal(answer.text, '{"status":"open","event":{"type":"changed-1","version":1}}\n')
  })

  scenario('goes on after last-event-id, and is 204 when nothing follows', async scene => {
    scene.changes = async function* ({ after = 0 }) {
      for (let version = after + 1; version <= 3; version++) yield change(version)
    }
    const rest = await scene.request('GET', '/books/a/changes', [...SSE, 'last-event-id', '2'])
    assert.equal(rest.text.match(/^id: .*$/gm)?.join(), 'id: 3')
    assert.equal((await scene.request('GET', '/books/a/changes', [...SSE, 'last-event-id', '3'])).status, 204)
    assert.equal((await scene.request('GET', '/books/a/changes', ['last-event-id', '3'])).status, 204)
    assert.equal((await scene.request('GET', '/books/a/changes?after=3')).status, 200)
    assert.equal((await scene.request('GET', '/books/a/changes', [...SSE, 'last-event-id', 'x'])).status, 400)
    assert.equal((await scene.request('GET', '/books/a/changes?after=x', [...SSE, 'last-event-id', ''])).status, 400)
  })

  scenario('that fails before its first item has the status of its fault', async scene => {
    scene.changes = async function* ({ bookId }) {
      if (bookId === 'b') yield change(1)
      throw new Fault('not_found', 'There is no such book.', { reason: 'NO_BOOK' })
    }
    const answer = await scene.request('GET', '/books/a/changes', SSE)
    assert.equal(answer.status, 404)
    assert.equal(answer.problem.reason, 'NO_BOOK')
  })

  scenario('that fails later says so last', async scene => {
    scene.changes = async function* () {
      yield change(1)
      throw new Fault('aborted', 'Enough.', { reason: 'ENOUGH' })
    }
    const sse = await scene.request('GET', '/books/a/changes', SSE)
    assert.match(sse.text, /\n\nevent: fault\ndata: \{.*"reason":"ENOUGH".*\}\n\n$/)
    const lines = (await scene.request('GET', '/books/a/changes')).text.trim().split('\n')
    assert.equal(JSON.parse(lines[1] as string).fault.reason, 'ENOUGH')
  })

  scenario('is connected before its first item, and beats while it rests', async scene => {
    scene.changes = async function* (_input, ctx) {
      await sleep(ctx.runtime, 40_000, ctx.signal)
      yield change(1)
    }
    const stream = await scene.open('/books/a/changes', SSE)
    await scene.runtime.advance(300)
    assert.equal(stream.status, 200)
    await scene.runtime.advance(40_000)
    assert.equal(stream.text.match(/^:$/gm)?.length, 2)
    assert.match(stream.text, /event: changed-1/)
    assert.equal(stream.ended, true)
  })

  scenario('waits for a slow reader', async scene => {
    let made = 0
    scene.changes = async function* (_input, ctx) {
      yield change(1)
      await sleep(ctx.runtime, 1_000, ctx.signal)
      for (; made < 2_000; made++) yield { status: 'x'.repeat(4_000), event: { type: 't', version: made } }
    }
    const stream = await scene.open('/books/a/changes')
    stream.pause()
    await scene.runtime.advance(5_000)
    assert.ok(made < 500, `${made} items were made for a reader that reads none`)
    stream.close()
  })

  scenario('ends its generator and its context when the reader goes', async scene => {
    let finished = false
    let aborted = false
    scene.changes = async function* (_input, ctx) {
      ctx.signal.addEventListener('abort', () => {
        aborted = true
      })
      try {
        for (let version = 1; ; version++) {
          yield change(version)
          await sleep(ctx.runtime, 1_000, ctx.signal)
        }
      } finally {
        finished = true
      }
    }
    const stream = await scene.open('/books/a/changes', SSE)
    await scene.runtime.advance(2_500)
    assert.equal(stream.text.match(/^id:/gm)?.length, 3)
    stream.close()
    await scene.runtime.settle()
    assert.equal(aborted, true)
    assert.equal(finished, true)
  })

  scenario('leaves when the server stops, with a fault that says to come back', async scene => {
    scene.changes = async function* (_input, ctx) {
      yield change(1)
      await sleep(ctx.runtime, 600_000, ctx.signal)
    }
    const stream = await scene.open('/books/a/changes', SSE)
    scene.handler.endStreams()
    await scene.runtime.settle()
    assert.match(stream.text, /event: fault\ndata: .*SERVER_STOPPING/)
    assert.equal(stream.ended, true)
  })

  scenario('is not run for HEAD', async scene => {
    let run = false
    scene.changes = async function* () {
      run = true
      yield change(1)
    }
    const answer = await scene.request('HEAD', '/books/a/changes')
    assert.equal(answer.status, 405)
    assert.equal(header(answer.headers, 'allow'), 'GET, OPTIONS')
    assert.equal(run, false)
  })

  scenario('keeps a line break in a name from becoming a field', async scene => {
    scene.changes = async function* () {
      yield { status: 'a\nb', event: { type: 'x\ndata: forged\r\n\r\nevent: y', version: 1 } }
    }
    const { text } = await scene.request('GET', '/books/a/changes', SSE)
    assert.equal(text.match(/^(event|data|id):/gm)?.join(), 'event:,id:,data:')
    assert.equal(text.match(/\n\n/g)?.length, 1)
  })
})
