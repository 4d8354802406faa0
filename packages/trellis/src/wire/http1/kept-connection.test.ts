import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRuntime } from '../../kernel/index.ts'
import { createHttpClient, createHttpServer } from './index.ts'

test('requests one after the other use one real connection', async () => {
  const runtime = createRuntime()
  await using server = createHttpServer(runtime, {
    handler: async exchange => {
      await exchange.readAll(1_000)
      exchange.reply(200, ['content-type', 'text/plain'], 'ok')
    },
  })
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  await using client = createHttpClient(runtime, { maxConnections: 1 })
  for (let index = 0; index < 4; index++) {
    const response = await client.request(address, { method: 'POST', target: '/', headers: [], body: '{}' })
    assert.equal(new TextDecoder().decode(await response.readAll(10)), 'ok')
    // The connection becomes idle in the turn after the answer; node:http guards idle sockets against stray bytes.
    await new Promise(resolve => setImmediate(resolve))
  }
})
