import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import { isFault } from '../../kernel/index.ts'
import type { VirtualRuntime } from '../../testing/index.ts'
import { createVirtualRuntime } from '../../testing/index.ts'
import type { Exchange, ExchangeHandler } from '../exchange.ts'
import { header } from '../exchange.ts'
import type { HttpServerLimits } from './limits.ts'
import type { HttpServer } from './server.ts'
import { createHttpServer } from './server.ts'

/** A connection by hand: sends bytes as they are, and keeps what comes back. */
interface Wire {
  readonly socket: Duplex
  received: string
  ended: boolean
  closed: boolean
  send(text: string): Promise<void>
}

interface Scene {
  readonly runtime: VirtualRuntime
  readonly server: HttpServer
  connect(): Promise<Wire>
}

function scenario(
  title: string,
  handler: ExchangeHandler,
  body: (scene: Scene) => Promise<void>,
  limits: Partial<HttpServerLimits> = {},
): void {
  test(title, { timeout: 20_000 }, async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    const server = createHttpServer(runtime, { handler, limits })
    const address = await runtime.run(server.listen({ host: '127.0.0.1', port: 0 }))
    const connect = async (): Promise<Wire> => {
      const socket = await runtime.run(runtime.net.connect(address))
      const wire: Wire = {
        socket,
        received: '',
        ended: false,
        closed: false,
        async send(text) {
          socket.write(text)
          await runtime.settle()
        },
      }
      socket.on('data', (bytes: Uint8Array) => {
        wire.received += Buffer.from(bytes).toString('latin1')
      })
      socket.on('end', () => {
        wire.ended = true
      })
      socket.on('close', () => {
        wire.closed = true
      })
      socket.on('error', () => undefined)
      return wire
    }
    try {
      await body({ runtime, server, connect })
    } finally {
      await runtime.run(server.close({ graceMs: 1 }))
    }
    assert.equal(runtime.pendingTimers, 0, 'a timer was left behind')
  })
}

const hello: ExchangeHandler = exchange => exchange.reply(200, ['content-type', 'text/plain'], 'hello')
const GET = 'GET /a?b=1 HTTP/1.1\r\nhost: x\r\n\r\n'

describe('an exchange', () => {
  scenario(
    'has method, raw target, lower-case headers with repeats apart, and the peer',
    exchange => {
      const { method, target, headers } = exchange
      exchange.reply(200, [], JSON.stringify({ method, target, headers }))
    },
    async ({ connect }) => {
      const wire = await connect()
      await wire.send('PATCH /a%2Fb?c=%20 HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\nAccept: */*\r\n\r\n')
      assert.deepEqual(JSON.parse(wire.received.split('\r\n\r\n')[1] as string), {
        method: 'PATCH',
        target: '/a%2Fb?c=%20',
        headers: ['host', 'x', 'x-a', '1', 'x-a', '2', 'accept', '*/*'],
      })
    },
  )

  scenario(
    'has path and query also of an absolute target',
    exchange => exchange.reply(200, [], `<${exchange.target}>`),
    async ({ connect }) => {
      const wire = await connect()
      for (const target of ['http://x:80/a?b', 'HTTP://x?b', 'http://x', '*']) {
        await wire.send(`OPTIONS ${target} HTTP/1.1\r\nhost: x\r\n\r\n`)
      }
      assert.equal(wire.received.match(/<.*>/g)?.join(), '</a?b>,</?b>,</>,<*>')
    },
  )

  scenario('is answered once', hello, async ({ connect }) => {
    const wire = await connect()
    await wire.send(GET)
    assert.match(wire.received, /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/plain\r\ncontent-length: 5\r\n/)
    assert.ok(wire.received.endsWith('\r\n\r\nhello'))
  })

  test('can be answered no more than once', { timeout: 20_000 }, async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    let thrown: unknown
    const server = createHttpServer(runtime, {
      handler: exchange => {
        exchange.reply(200, [])
        try {
          exchange.reply(200, [])
        } catch (error) {
          thrown = error
        }
      },
    })
    const address = await runtime.run(server.listen({ host: '127.0.0.1', port: 0 }))
    const socket = await runtime.run(runtime.net.connect(address))
    socket.resume()
    socket.write(GET)
    await runtime.settle()
    await runtime.run(server.close())
    assert.ok(thrown instanceof TypeError)
  })

  scenario('keeps its connection for the next one', hello, async ({ connect }) => {
    const wire = await connect()
    await wire.send(GET)
    await wire.send(GET)
    assert.equal(wire.received.match(/HTTP\/1\.1 200/g)?.length, 2)
    assert.equal(wire.ended, false)
  })

  scenario('that was pipelined is answered in order', hello, async ({ connect }) => {
    const wire = await connect()
    await wire.send(GET + GET + GET)
    assert.equal(wire.received.match(/hello/g)?.length, 3)
  })

  const bodies: string[] = []
  scenario(
    'reads a body up to its limit, whole or chunked',
    async exchange => {
      bodies.push(Buffer.from(await exchange.readAll(5)).toString())
      exchange.reply(204, [])
    },
    async ({ connect }) => {
      const wire = await connect()
      await wire.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n12345')
      await wire.send('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n')
      await wire.send('1\r\nc\r\n0\r\n\r\n')
      await wire.send(GET)
      assert.deepEqual(bodies, ['12345', 'abc', ''])
      assert.match(wire.received, /^HTTP\/1\.1 204 No Content\r\n/)
    },
  )

  const tooLarge = async (exchange: Exchange): Promise<void> => {
    const error: unknown = await exchange.readAll(5).catch((reason: unknown) => reason)
    exchange.reply(isFault(error, 'BODY_TOO_LARGE') ? 413 : 500, [])
  }
  scenario('refuses a body that is announced too large', tooLarge, async ({ connect }) => {
    const wire = await connect()
    await wire.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n')
    assert.match(wire.received, /^HTTP\/1\.1 413 /)
    assert.match(wire.received, /\r\nconnection: close\r\n/i)
  })

  scenario('refuses a body that turns out too large', tooLarge, async ({ connect }) => {
    const wire = await connect()
    await wire.send('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n')
    await wire.send('3\r\ndef\r\n')
    assert.match(wire.received, /^HTTP\/1\.1 413 /)
  })

  let faultOfCut: unknown
  scenario(
    'whose peer goes in the middle of its body rejects the read',
    async exchange => {
      faultOfCut = await exchange.readAll(100).catch((reason: unknown) => reason)
    },
    async ({ connect, runtime }) => {
      const wire = await connect()
      await wire.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\nabc')
      wire.socket.destroy()
      await runtime.settle()
      assert.ok(isFault(faultOfCut, 'CALLER_GONE'))
    },
  )

  let closes = 0
  scenario(
    'tells once when its peer goes before the answer',
    exchange => exchange.onClose(() => closes++),
    async ({ connect, runtime }) => {
      const wire = await connect()
      await wire.send(GET)
      wire.socket.destroy()
      await runtime.settle()
      assert.equal(closes, 1)
    },
  )

  let pieces = ''
  scenario(
    'gives its body piece by piece, and can still answer when not all was read',
    async exchange => {
      for await (const piece of exchange.chunks()) {
        pieces += Buffer.from(piece).toString()
        if (pieces.length >= 2) break
      }
      exchange.reply(200, [], 'enough')
    },
    async ({ connect }) => {
      const wire = await connect()
      await wire.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab')
      await wire.send('cd')
      assert.equal(pieces.startsWith('ab'), true)
      assert.ok(wire.received.endsWith('enough'))
    },
  )

  let accepted = 0
  scenario(
    'slows its writer down to the pace of the reader, and writes everything',
    async exchange => {
      const writer = exchange.begin(200, ['content-type', 'text/plain'])
      const piece = 'x'.repeat(16 * 1024)
      for (let index = 0; index < 100; index++) {
        accepted++
        if (!writer.write(piece)) await writer.drained()
      }
      writer.end()
    },
    async ({ connect, runtime }) => {
      const wire = await connect()
      wire.socket.pause()
      await wire.send(GET)
      await runtime.advance(1_000)
      assert.ok(accepted < 50, `${accepted} pieces went out to a reader that read none`)
      wire.socket.resume()
      await runtime.advance(1_000)
      assert.equal(accepted, 100)
      assert.ok(wire.received.endsWith('\r\n0\r\n\r\n'))
    },
  )

  let drainedAfterClose = false
  scenario(
    'lets a waiting writer go when its reader goes',
    async exchange => {
      const writer = exchange.begin(200, [])
      while (writer.write('x'.repeat(64 * 1024)));
      await writer.drained()
      drainedAfterClose = true
      writer.write('into the void')
      writer.end()
    },
    async ({ connect, runtime }) => {
      const wire = await connect()
      wire.socket.pause()
      await wire.send(GET)
      wire.socket.destroy()
      await runtime.settle()
      assert.equal(drainedAfterClose, true)
    },
  )
})

describe('bad input', () => {
  const malformed: readonly [string, string][] = [
    ['no HTTP at all', 'hello there\r\n\r\n'],
    ['another protocol', '\x16\x03\x01\x02\x00\x01\x00'],
    ['a request without a host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd'],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a negative length', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n'],
    ['a header name with a space', 'GET / HTTP/1.1\r\nhost: x\r\nbad name: 1\r\n\r\n'],
    ['a folded header', 'GET / HTTP/1.1\r\nhost: x\r\na: 1\r\n b\r\n\r\n'],
    ['a bare line feed', 'GET / HTTP/1.1\nhost: x\n\n'],
    ['an unknown version', 'GET / HTTP/9.9\r\nhost: x\r\n\r\n'],
    ['the version of another protocol', 'GET / HTTP/2.0\r\nhost: x\r\n\r\n'],
    ['no version', 'GET /\r\n\r\n'],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two hosts', 'GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n'],
    ['a host with a path', 'GET / HTTP/1.1\r\nhost: x/y\r\n\r\n'],
    ['a coding beside chunked', 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['an unknown coding', 'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['chunked in HTTP/1.0', 'POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ]
  for (const [title, bytes] of malformed) {
    let called = false
    scenario(
      `${title} is refused, and its connection closed`,
      exchange => {
        called = true
        exchange.reply(200, [])
      },
      async ({ connect, runtime }) => {
        const wire = await connect()
        await wire.send(bytes)
        await runtime.advance(100)
        assert.match(wire.received, /^HTTP\/1\.1 400 /)
        assert.equal(wire.received.match(/HTTP\/1\.1 \d/g)?.length, 1)
        assert.equal(called, false)
        assert.equal(wire.ended || wire.closed, true)
      },
    )
  }

  let served = 0
  scenario(
    'nothing behind a refused request is taken for one',
    exchange => {
      served++
      exchange.reply(200, [])
    },
    async ({ connect, runtime }) => {
      const wire = await connect()
      await wire.send(`GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n${GET}${GET}`)
      await runtime.advance(100)
      assert.equal(served, 0)
      assert.equal(wire.received.match(/HTTP\/1\.1 \d/g)?.length, 1)
    },
  )

  for (const host of ['x', 'x:80', '127.0.0.1:8080', '[::1]:8080', '']) {
    scenario(`the host '${host}' is one`, hello, async ({ connect }) => {
      const wire = await connect()
      await wire.send(`GET / HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
      assert.match(wire.received, /^HTTP\/1\.1 200 /)
    })
  }

  scenario('HTTP/1.0 needs no host', hello, async ({ connect }) => {
    const wire = await connect()
    await wire.send('GET / HTTP/1.0\r\n\r\n')
    assert.match(wire.received, /^HTTP\/1\.1 200 /)
  })

  let begun = 0
  scenario(
    'a connection with too many requests that wait is closed',
    () => void begun++,
    async ({ connect }) => {
      const patient = await connect()
      await patient.send(GET.repeat(3))
      assert.deepEqual([begun, patient.closed], [3, false])
      const hasty = await connect()
      await hasty.send(GET.repeat(20))
      assert.deepEqual([begun, hasty.closed], [6, true])
    },
    { maxPipelined: 3 },
  )

  scenario('headers that are too long are 431', hello, async ({ connect, runtime }) => {
    const wire = await connect()
    await wire.send(`GET / HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(20_000)}\r\n\r\n`)
    await runtime.advance(100)
    assert.match(wire.received, /^HTTP\/1\.1 431 [\s\S]*HEADERS_TOO_LARGE/)
  })

  scenario('headers that are too many are 431, and as many as allowed are not', hello, async ({ connect }) => {
    const many = (count: number): string =>
      `GET / HTTP/1.1\r\nhost: x\r\n${Array.from({ length: count - 1 }, (_, at) => `h${at}: 1\r\n`).join('')}\r\n`
    const wire = await connect()
    await wire.send(many(100))
    assert.match(wire.received, /^HTTP\/1\.1 200 /)
    const other = await connect()
    await other.send(many(101))
    assert.match(other.received, /^HTTP\/1\.1 431 /)
  })

  scenario('a head that does not end is 408 after 10 s', hello, async ({ connect, runtime }) => {
    const wire = await connect()
    await wire.send('GET / HTTP/1.1\r\nhost: x\r\n')
    await runtime.advance(9_000)
    assert.equal(wire.received, '')
    await runtime.advance(3_000)
    assert.match(wire.received, /^HTTP\/1\.1 408 /)
    assert.equal(wire.closed || wire.ended, true)
  })

  let slowFault: unknown
  scenario(
    'a body that drips is 408 after 30 s, and its reader is told',
    async exchange => {
      slowFault = await exchange.readAll(1000).catch((reason: unknown) => reason)
    },
    async ({ connect, runtime }) => {
      const wire = await connect()
      await wire.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n')
      for (let seconds = 0; seconds < 35; seconds += 5) {
        if (!wire.closed) wire.socket.write('x')
        await runtime.advance(5_000)
      }
      assert.match(wire.received, /^HTTP\/1\.1 408 /)
      assert.ok(isFault(slowFault, 'CALLER_GONE'))
    },
  )

  scenario(
    'a body that does not come cuts the connection where an earlier answer has begun',
    exchange => void exchange.begin(200, []).write('a part'),
    async ({ connect, runtime }) => {
      const wire = await connect()
      await wire.send(`${GET}POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n`)
      await runtime.advance(32_000)
      assert.match(wire.received, /a part/)
      assert.doesNotMatch(wire.received, /408/)
      assert.equal(wire.closed, true)
    },
  )

  scenario('a connection without a request is closed after 60 s', hello, async ({ connect, runtime }) => {
    const wire = await connect()
    await wire.send(GET)
    await runtime.advance(58_000)
    assert.equal(wire.ended, false)
    await runtime.advance(4_000)
    assert.equal(wire.ended, true)
    assert.equal(wire.received.includes('408'), false)
  })

  scenario(
    'connections beyond the most are closed at once',
    hello,
    async ({ connect, runtime }) => {
      const first = await connect()
      const second = await connect()
      await runtime.settle()
      assert.equal(second.closed || second.ended, true)
      await first.send(GET)
      assert.match(first.received, /200/)
    },
    { maxConnections: 1 },
  )

  test('a limit that is no positive whole number is a RangeError', () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    assert.throws(() => createHttpServer(runtime, { handler: hello, limits: { maxHeaders: 0 } }), RangeError)
    assert.throws(() => createHttpServer(runtime, { handler: hello, limits: { idleTimeoutMs: 1.5 } }), RangeError)
  })
})

describe('close', () => {
  const waiting: Exchange[] = []
  scenario(
    'refuses new connections, closes idle ones, and lets running exchanges finish',
    exchange => void waiting.push(exchange),
    async ({ connect, runtime, server }) => {
      const idle = await connect()
      const busy = await connect()
      await busy.send(GET)
      let closed = false
      const closing = server.close({ graceMs: 5_000 }).then(() => {
        closed = true
      })
      await runtime.settle()
      assert.equal(idle.ended, true)
      assert.equal(closed, false)
      const [exchange] = waiting
      assert.ok(exchange !== undefined && header(exchange.headers, 'host') === 'x')
      exchange.reply(200, [], 'done')
      await runtime.run(closing)
      assert.match(busy.received, /connection: close/i)
      assert.ok(busy.received.endsWith('done'))
    },
  )

  let cut = false
  scenario(
    'cuts what is still running after the grace',
    exchange => exchange.onClose(() => (cut = true)),
    async ({ connect, runtime, server }) => {
      const wire = await connect()
      await wire.send(GET)
      const closing = server.close({ graceMs: 5_000 })
      await runtime.advance(4_900)
      assert.equal(cut, false)
      await runtime.run(closing)
      assert.equal(cut, true)
    },
  )
})
