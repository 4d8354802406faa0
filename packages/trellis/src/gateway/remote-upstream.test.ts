import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { type Fault, isFault } from '../kernel/index.ts'
import { header } from '../wire/exchange.ts'
import { startScene, startStranger } from './gateway.test-fixture.ts'

const limit = { timeout: 20_000 }

/** Does something with the head of each request that comes. */
function onRequest(act: (socket: Socket, head: string) => void): (socket: Socket) => void {
  return socket => {
    let text = ''
    socket.on('data', piece => {
      text += piece.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      act(socket, text)
      text = ''
    })
  }
}

const good = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'

describe('a remote upstream', () => {
  test('answers 503 with a hint, and no address, when nobody is there', limit, async t => {
    const scene = await startScene(t, { place: 'remote', instances: [] })
    const answer = await scene.request('GET', '/api/books/b-1')
    assert.deepEqual([answer.status, answer.json.reason], [503, 'SERVICE_UNAVAILABLE'])
    assert.equal(answer.header('retry-after'), '1')
    assert.match(String(answer.json.detail), /books/)
    assert.doesNotMatch(answer.text, /127\.0\.0\.1/)
  })

  test('answers 503 without an address when the one instance is gone', limit, async t => {
    const scene = await startScene(t, { place: 'remote' })
    await scene.request('GET', '/api/books/b-1')
    await scene.stopService()
    const answer = await scene.request('GET', '/api/books/b-1')
    assert.deepEqual([answer.status, answer.json.reason], [503, 'SERVICE_UNAVAILABLE'])
    assert.doesNotMatch(answer.text, /127\.0\.0\.1/)
  })

  test('turns to another instance when one can not be connected to, whatever the operation', limit, async t => {
    const alive = await startStranger(
      t,
      onRequest(socket => socket.write(good)),
    )
    const scene = await startScene(t, { place: 'remote', instances: [{ host: '127.0.0.1', port: 1 }, alive] })
    for (let round = 0; round < 4; round++) {
      const answer = await scene.request('PUT', '/api/books/b-1', [], '{"title":"x"}')
      assert.equal(answer.status, 200)
    }
  })

  test('repeats what may be repeated when an instance dies before it answered', limit, async t => {
    let asked = 0
    const dying = await startStranger(
      t,
      onRequest(socket => {
        asked++
        socket.destroy()
      }),
    )
    const alive = await startStranger(
      t,
      onRequest(socket => socket.write(good)),
    )
    const scene = await startScene(t, { place: 'remote', instances: [dying, alive] })
    assert.equal((await scene.request('GET', '/api/books/b-1')).status, 200)
    assert.equal(asked, 1)
  })

  test('repeats when an instance dies in the middle of a short answer', limit, async t => {
    const dying = await startStranger(
      t,
      onRequest(socket => {
        socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{"ti')
      }),
    )
    const alive = await startStranger(
      t,
      onRequest(socket => socket.write(good)),
    )
    const scene = await startScene(t, { place: 'remote', instances: [dying, alive] })
    const answer = await scene.request('GET', '/api/books/b-1')
    assert.deepEqual([answer.status, answer.text], [200, '{}'])
  })

  test('never repeats what may have been done', limit, async t => {
    let asked = 0
    const dying = (): Promise<{ host: string; port: number }> =>
      startStranger(
        t,
        onRequest(socket => {
          asked++
          socket.destroy()
        }),
      )
    const scene = await startScene(t, { place: 'remote', instances: [await dying(), await dying()] })
    const answer = await scene.request('POST', '/api/books', ['authorization', 'Bearer user.ann'], '{"title":"x"}')
    assert.deepEqual([answer.status, answer.json.reason], [503, 'SERVICE_UNAVAILABLE'])
    assert.equal(asked, 1)
  })

  test('stops repeating when its budget is used up', limit, async t => {
    let asked = 0
    const dying = (): Promise<{ host: string; port: number }> =>
      startStranger(
        t,
        onRequest(socket => {
          asked++
          socket.destroy()
        }),
      )
    const budget = { capacity: 1, minPerSecond: 0, ratio: 0 }
    const scene = await startScene(t, { place: 'remote', instances: [await dying(), await dying()], budget })
    for (let round = 0; round < 5; round++) assert.equal((await scene.request('GET', '/api/books/b-1')).status, 503)
    assert.equal(asked, 6)
  })

  test('breaks an answer off that broke off', limit, async t => {
    const dying = await startStranger(
      t,
      onRequest(socket => {
        socket.end(
          'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{"ti\r\n',
        )
      }),
    )
    const scene = await startScene(t, { place: 'remote', instances: [dying] })
    const stream = await scene.open('/api/books/b-1')
    await assert.rejects(stream.ended)
    assert.equal(stream.text, '{"ti')
  })

  test('ends a stream of events that broke off between two events with a fault', limit, async t => {
    const dying = await startStranger(
      t,
      onRequest(socket => {
        socket.end(
          'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n',
        )
      }),
    )
    const scene = await startScene(t, { place: 'remote', instances: [dying] })
    const stream = await scene.open('/api/books/b-1/changes')
    await stream.ended
    assert.match(stream.text, /^data: 1\n\nevent: fault\ndata: \{.*"reason":"ANSWER_BROKEN_OFF".*\}\n\n$/)
  })

  test('breaks a stream of events off that broke off within one', limit, async t => {
    const dying = await startStranger(
      t,
      onRequest(socket => {
        socket.end(
          'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n6\r\ndata: \r\n',
        )
      }),
    )
    const scene = await startScene(t, { place: 'remote', instances: [dying] })
    const stream = await scene.open('/api/books/b-1/changes')
    await assert.rejects(stream.ended)
  })

  test('ends running streams with a fault when told to', limit, async t => {
    const scene = await startScene(t, { place: 'remote' })
    scene.changes = async function* () {
      yield { version: 1 }
      await new Promise(() => undefined)
    }
    const stream = await scene.open('/api/books/b-1/changes', ['accept', 'application/x-ndjson'])
    await stream.until('{"version":1}\n')
    scene.endStreams()
    await stream.ended
    assert.match(stream.text, /\{"fault":\{.*"reason":"GATEWAY_STOPPING"/)
  })

  test('makes a problem document of an error that is none', limit, async t => {
    const proxy = await startStranger(
      t,
      onRequest(socket => {
        socket.write(
          'HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\nserver: nginx\r\ncontent-length: 9\r\n\r\n<h1>no</h1>'.slice(
            0,
            -2,
          ),
        )
      }),
    )
    const scene = await startScene(t, { place: 'remote', instances: [proxy] })
    const answer = await scene.request('GET', '/api/books/b-1')
    assert.equal(answer.status, 502)
    assert.equal(answer.header('content-type'), 'application/problem+json')
    assert.equal(answer.json.code, 'unavailable')
    assert.equal(answer.header('server'), undefined)
  })

  test('answers 503 when what is at the port does not speak HTTP', limit, async t => {
    const strange = await startStranger(
      t,
      onRequest(socket => socket.write('220 smtp ready\r\n\r\n')),
    )
    const scene = await startScene(t, { place: 'remote', instances: [strange] })
    const answer = await scene.request('GET', '/api/books/b-1')
    assert.equal(answer.status, 503)
    assert.doesNotMatch(answer.text, /127\.0\.0\.1/)
  })

  test('passes a long answer on at the pace of its reader', limit, async t => {
    let written = 0
    const chunk = Buffer.alloc(65_536, 'x')
    const total = 64 * 1_048_576
    const rich = await startStranger(
      t,
      onRequest(socket => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${total}\r\n\r\n`)
        const pump = (): void => {
          while (written < total) {
            written += chunk.length
            if (!socket.write(chunk)) return void socket.once('drain', pump)
          }
        }
        pump()
      }),
    )
    const scene = await startScene(t, { place: 'remote', instances: [rich] })
    const { request } = await import('node:http')
    const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      request({ ...scene.address, path: '/api/books/b-1', agent: false }, resolve)
        .on('error', reject)
        .end()
    })
    response.pause()
    // Settled once it stands still: what the sockets between hold is a few megabytes.
    let before = -1
    while (written !== before) {
      before = written
      await new Promise(done => setTimeout(done, 100))
    }
    assert.ok(written < total / 2, `${written} bytes were taken from the service while nobody read`)
    let read = 0
    for await (const piece of response) read += (piece as Uint8Array).byteLength
    assert.equal(read, total)
    assert.equal(
      header(
        response.rawHeaders.map(text => text.toLowerCase()),
        'content-length',
      ),
      String(total),
    )
  })

  test('stops reading from the service when the caller goes', limit, async t => {
    const closed = Promise.withResolvers<void>()
    const endless = await startStranger(t, socket => {
      socket.on('close', () => closed.resolve())
      onRequest(() => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n')
        socket.write('9\r\ndata: 1\n\n\r\n')
      })(socket)
    })
    const scene = await startScene(t, { place: 'remote', instances: [endless] })
    const stream = await scene.open('/api/books/b-1/changes')
    await stream.until('data: 1')
    stream.close()
    await closed.promise
  })

  test('answers 504 when an instance does not answer in time', limit, async t => {
    const silent = await startStranger(t, () => undefined)
    const scene = await startScene(t, { place: 'remote', instances: [silent] })
    const answer = await scene.request('GET', '/api/books/b-1', ['trellis-timeout-ms', '50'])
    assert.deepEqual([answer.status, answer.json.code], [504, 'deadline_exceeded'])
  })

  test('is not ready while nobody is there', limit, async t => {
    const scene = await startScene(t, { place: 'remote', instances: [] })
    await assert.rejects(scene.check(), error => isFault(error) && /books/.test((error as Fault).message))
    const other = await startScene(t, { place: 'remote' })
    await other.check()
  })
})
