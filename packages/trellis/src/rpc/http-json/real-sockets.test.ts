import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { contract, serverStream, unary } from '../../contract/index.ts'
import type { Handler } from '../../kernel/index.ts'
import { createRuntime } from '../../kernel/index.ts'
import { createHttpClient, createHttpServer } from '../../wire/http1/index.ts'
import { createClient, createRpcServer, implement } from '../index.ts'
import { createHttpJsonTransport, fixedAddress } from './client.ts'
import { createHttpJsonHandler } from './server.ts'

const Text = z.object({ text: z.string() })
const Echo = contract('kit.echo.v1.Echo', {
  echo: unary({ input: Text, output: Text, http: 'POST /echo', allow: 'public' }),
  repeat: serverStream({
    input: z.object({ times: z.int32() }),
    output: Text,
    http: 'GET /repeat/{times}',
    allow: 'public',
  }),
})

test('calls go over real sockets, and what they opened is closed again', { timeout: 30_000 }, async () => {
  const runtime = createRuntime()
  let settled = 0
  const rpc = createRpcServer({
    authorize:
      <I, O>(next: Handler<I, O>): Handler<I, O> =>
      (input, ctx) => {
        ctx.onSettled(() => settled++)
        return next(input, ctx)
      },
    implementations: [
      implement(Echo, {
        echo: async input => input,
        async *repeat({ times }) {
          for (let index = 0; index < times; index++) yield { text: 'x'.repeat(1_000) }
        },
      }),
    ],
  })
  const server = createHttpServer(runtime, { handler: createHttpJsonHandler(runtime, rpc).handle })
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  const http = createHttpClient(runtime, { maxConnections: 8 })
  const client = createClient(runtime, Echo, {
    transport: createHttpJsonTransport(http, { resolve: fixedAddress(address) }),
  })
  const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => client.echo({ text: `é${index}` })))
  assert.deepEqual(answers.at(-1), { text: 'é199' })
  let items = 0
  for await (const _ of client.repeat({ times: 500 })) items++
  assert.equal(items, 500)
  for await (const _ of client.repeat({ times: 1_000_000 })) if (++items === 510) break
  await http.close()
  await server.close()
  assert.equal(settled, 202)
  const handles = process.getActiveResourcesInfo().filter(name => name.includes('TCP'))
  assert.deepEqual(handles, [])
})
