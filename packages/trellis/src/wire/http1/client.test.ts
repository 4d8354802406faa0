import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import type { Address } from '../../kernel/index.ts'
import { Fault, isFault } from '../../kernel/index.ts'
import type { VirtualRuntime } from '../../testing/index.ts'
import { createVirtualRuntime } from '../../testing/index.ts'
import type { IncomingResponse } from '../exchange.ts'
import type { HttpClient } from './client.ts'
import { createHttpClient } from './client.ts'

/** A server by hand: each connection and what it received. */
interface Connection {
  readonly socket: Duplex
  received: string
}

interface Scene {
  readonly runtime: VirtualRuntime
  readonly client: HttpClient
  readonly address: Address
  readonly connections: Connection[]
  get(): Promise<IncomingResponse>
}

type Respond = (connection: Connection) => void

function scenario(title: string, respond: Respond, body: (scene: Scene) => Promise<void>): void {
  test(title, { timeout: 20_000 }, async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    const connections: Connection[] = []
    const listener = await runtime.run(
      runtime.net.listen({ host: '127.0.0.1', port: 0 }, socket => {
        const connection: Connection = { socket, received: '' }
        connections.push(connection)
        socket.on('error', () => undefined)
        socket.on('data', (bytes: Uint8Array) => {
          connection.received += Buffer.from(bytes).toString('latin1')
          respond(connection)
        })
      }),
    )
    const { address } = listener
    const client = createHttpClient(runtime)
    try {
      const get = (): Promise<IncomingResponse> =>
        client.request(address, { method: 'GET', target: '/a?b', headers: ['x-a', '1'] })
      await body({ runtime, client, address, connections, get })
    } finally {
      await runtime.run(client.close())
      for (const { socket } of connections) socket.destroy()
      await runtime.run(listener.close())
    }
    assert.equal(runtime.pendingTimers, 0, 'a timer was left behind')
  })
}

const OK = 'HTTP/1.1 200 OK\r\nX-B: 2\r\ncontent-length: 2\r\n\r\nok'
const ok: Respond = ({ socket, received }) => {
  if (received.endsWith('\r\n\r\n')) socket.write(OK)
}
const text = async (response: IncomingResponse): Promise<string> => Buffer.from(await response.readAll(100)).toString()

describe('a client', () => {
  scenario('sends what it is given and gives what it receives', ok, async ({ runtime, get, connections, address }) => {
    const response = await runtime.run(get())
    assert.equal(response.status, 200)
    assert.deepEqual(response.headers, ['x-b', '2', 'content-length', '2'])
    assert.equal(await runtime.run(text(response)), 'ok')
    assert.equal(connections[0]?.received, `GET /a?b HTTP/1.1\r\nhost: 127.0.0.1:${address.port}\r\nx-a: 1\r\n\r\n`)
  })

  scenario('uses a connection again', ok, async ({ runtime, get, connections }) => {
    for (let index = 0; index < 3; index++) await runtime.run(get().then(text))
    assert.equal(connections.length, 1)
  })

  scenario('opens another connection while the first is taken', ok, async ({ runtime, get, connections }) => {
    await runtime.run(Promise.all([get().then(text), get().then(text)]))
    assert.equal(connections.length, 2)
  })

  scenario('opens a new connection when the server closed the kept one', ok, async ({ runtime, get, connections }) => {
    await runtime.run(get().then(text))
    connections[0]?.socket.end()
    await runtime.settle()
    assert.equal(await runtime.run(get().then(text)), 'ok')
    assert.equal(connections.length, 2)
  })

  scenario('closes a connection that was idle for 30 s', ok, async ({ runtime, get, connections }) => {
    await runtime.run(get().then(text))
    await runtime.advance(36_000)
    await runtime.run(get().then(text))
    assert.equal(connections.length, 2)
  })

  const dropOnSecond: Respond = connection => {
    if (connection.received.split('\r\n\r\n').length === 3) connection.socket.destroy()
    else ok(connection)
  }
  scenario('never repeats by itself what may have arrived', dropOnSecond, async ({ runtime, get, connections }) => {
    await runtime.run(get().then(text))
    await assert.rejects(runtime.run(get()), error => isFault(error, 'CONNECTION_LOST') && error.code === 'unavailable')
    assert.equal(connections.length, 1)
  })

  scenario(
    'sends a body that comes in pieces',
    ({ socket, received }) => {
      if (received.endsWith('0\r\n\r\n')) socket.write(OK)
    },
    async ({ runtime, client, address, connections }) => {
      async function* body(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('ab')
        yield Buffer.from('c')
      }
      const sent = client.request(address, { method: 'POST', target: '/', headers: [], body: body() })
      assert.equal(await runtime.run(sent.then(text)), 'ok')
      assert.ok(connections[0]?.received.endsWith('2\r\nab\r\n1\r\nc\r\n0\r\n\r\n'))
    },
  )

  scenario(
    'rejects with the reason of the signal, and closes the connection',
    () => undefined,
    async ({ runtime, client, address, connections }) => {
      const controller = new AbortController()
      const sent = client.request(address, { method: 'GET', target: '/', headers: [], signal: controller.signal })
      sent.catch(() => undefined)
      await runtime.settle()
      const reason = new Fault('cancelled', 'Enough.')
      controller.abort(reason)
      await assert.rejects(runtime.run(sent), error => error === reason)
      await runtime.settle()
      assert.equal(connections[0]?.socket.destroyed || connections[0]?.socket.readableEnded, true)
    },
  )

  scenario(
    'sends nothing for a signal that has already aborted',
    ok,
    async ({ runtime, client, address, connections }) => {
      const reason = new Fault('cancelled', 'Enough.')
      const signal = AbortSignal.abort(reason)
      await assert.rejects(
        runtime.run(client.request(address, { method: 'GET', target: '/', headers: [], signal })),
        error => error === reason,
      )
      assert.equal(connections.length, 0)
    },
  )

  scenario('gives up a response that is too long', ok, async ({ runtime, get }) => {
    const response = await runtime.run(get())
    await assert.rejects(runtime.run(response.readAll(1)), error => isFault(error, 'BODY_TOO_LARGE'))
  })

  scenario(
    'tells a response that was cut from one that ended',
    ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab')
      socket.end()
    },
    async ({ runtime, get }) => {
      const response = await runtime.run(get())
      await assert.rejects(runtime.run(response.readAll(100)), error => isFault(error, 'CONNECTION_LOST'))
    },
  )

  scenario(
    'tells what is not HTTP',
    ({ socket }) => socket.write('SSH-2.0-OpenSSH\r\n\r\n'),
    async ({ runtime, get }) => {
      await assert.rejects(runtime.run(get()), error => isFault(error, 'MALFORMED_RESPONSE'))
    },
  )

  test('gives up a request that waits for a connection when its signal aborts, and serves the next one', {
    timeout: 20_000,
  }, async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    const held: Duplex[] = []
    await using listener = await runtime.net.listen({ host: '127.0.0.1', port: 0 }, socket => {
      socket.on('data', () => held.push(socket))
    })
    const client = createHttpClient(runtime, { maxConnections: 1 })
    const request = { method: 'GET', target: '/', headers: [] }
    const first = client.request(listener.address, request)
    await runtime.settle()
    const controller = new AbortController()
    const waiting = client.request(listener.address, { ...request, signal: controller.signal })
    const last = client.request(listener.address, request)
    await runtime.settle()
    const reason = new Fault('deadline_exceeded', 'Too late.')
    controller.abort(reason)
    await assert.rejects(runtime.run(waiting), error => error === reason)
    held[0]?.write(OK)
    assert.equal(await runtime.run(first.then(text)), 'ok')
    await runtime.settle()
    held[1]?.write(OK)
    assert.equal(await runtime.run(last.then(text)), 'ok')
    await runtime.run(client.close())
  })

  test('passes on that it could not connect', { timeout: 20_000 }, async () => {
    const runtime = createVirtualRuntime({ seed: 1 })
    const client = createHttpClient(runtime)
    await assert.rejects(
      runtime.run(client.request({ host: '127.0.0.1', port: 9 }, { method: 'GET', target: '/', headers: [] })),
      error => isFault(error, 'CONNECT_FAILED'),
    )
    await runtime.run(client.close())
  })

  test('refuses requests once it was closed', async () => {
    const client = createHttpClient(createVirtualRuntime({ seed: 1 }))
    await client.close()
    await assert.rejects(
      client.request({ host: '127.0.0.1', port: 9 }, { method: 'GET', target: '/', headers: [] }),
      error => isFault(error, 'CLIENT_CLOSED'),
    )
  })
})
