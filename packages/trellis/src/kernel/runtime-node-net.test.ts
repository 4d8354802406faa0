import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import type { Address } from './runtime.ts'
import { createRuntime } from './runtime-node.ts'

const { net } = createRuntime()
const anywhere: Address = { host: '127.0.0.1', port: 0 }

test('port 0 takes a free port and says which', async () => {
  await using one = await net.listen(anywhere, () => undefined)
  await using other = await net.listen(anywhere, () => undefined)
  assert.ok(one.address.port > 0)
  assert.notEqual(one.address.port, other.address.port)
  assert.equal(one.address.host, '127.0.0.1')
})

test('bytes go both ways, and an end ends', async () => {
  await using listener = await net.listen(anywhere, connection => void connection.pipe(connection))
  const connection = await net.connect(listener.address)
  connection.end('hello')
  assert.equal(Buffer.concat(await connection.toArray()).toString(), 'hello')
})

test('a port in use is PORT_IN_USE and says what to do', async () => {
  await using listener = await net.listen(anywhere, () => undefined)
  await assert.rejects(
    net.listen(listener.address, () => undefined),
    {
      code: 'failed_precondition',
      reason: 'PORT_IN_USE',
      message: new RegExp(`Port ${listener.address.port} is in use; .*--port`),
    },
  )
})

test('an address that is not this machine\u2019s is LISTEN_FAILED', async () => {
  // 192.0.2.0/24 is for documentation (RFC 5737).
  await assert.rejects(
    net.listen({ host: '192.0.2.1', port: 0 }, () => undefined),
    {
      code: 'unavailable',
      reason: 'LISTEN_FAILED',
    },
  )
})

test('a port that is no port is refused', async () => {
  await assert.rejects(
    net.listen({ host: '127.0.0.1', port: 70_000 }, () => undefined),
    RangeError,
  )
})

test('connecting to nothing is CONNECT_FAILED, with the cause', async () => {
  const listener = await net.listen(anywhere, () => undefined)
  await listener.close()
  await assert.rejects(net.connect(listener.address), {
    code: 'unavailable',
    reason: 'CONNECT_FAILED',
    message: new RegExp(`:${listener.address.port}; is it running`),
  })
})

describe('closing a listener', () => {
  test('frees the port and keeps the open connections', async () => {
    const accepted = Promise.withResolvers<Duplex>()
    const listener = await net.listen(anywhere, accepted.resolve)
    const connection = await net.connect(listener.address)
    const served = await accepted.promise
    await listener.close()
    await using again = await net.listen(listener.address, () => undefined)
    assert.equal(again.address.port, listener.address.port)
    const data = once(connection, 'data')
    served.write('still here')
    assert.equal(String((await data)[0]), 'still here')
    served.destroy()
    connection.destroy()
  })

  test('may happen twice', async () => {
    const listener = await net.listen(anywhere, () => undefined)
    await listener.close()
    await listener.close()
    await listener[Symbol.asyncDispose]()
  })
})

test('an accept that fails once is not the end of the listener', async () => {
  const servers: { emit(event: string, error: Error): boolean }[] = []
  const diagnostics = await import('node:diagnostics_channel')
  const found = (message: unknown): void => void servers.push((message as { server: (typeof servers)[0] }).server)
  diagnostics.subscribe('tracing:net.server.listen:asyncStart', found)
  await using listener = await net.listen(anywhere, connection => connection.end('hello'))
  diagnostics.unsubscribe('tracing:net.server.listen:asyncStart', found)
  const [server] = servers
  assert.ok(server)
  // What node:net emits when the process has no file descriptor left for a connection.
  for (const attempt of ['first', 'second']) server.emit('error', new Error(`accept EMFILE, ${attempt}`))
  const connection = await net.connect(listener.address)
  assert.equal(Buffer.concat(await connection.toArray()).toString(), 'hello')
})
