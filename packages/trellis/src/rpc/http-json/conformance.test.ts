import { ALICE, transportConformance } from '../../testing/conformance/transport.ts'
import { header } from '../../wire/exchange.ts'
import { createHttpClient, createHttpServer } from '../../wire/http1/index.ts'
import { createHttpJsonTransport, fixedAddress } from './client.ts'
import { createHttpJsonHandler } from './server.ts'

transportConformance('http-json', async (runtime, server) => {
  const handler = createHttpJsonHandler(runtime, server, {
    identify: headers => (header(headers, 'authorization') === `Bearer ${ALICE.token}` ? ALICE : undefined),
  })
  const http = createHttpServer(runtime, { handler: handler.handle })
  const address = await http.listen({ host: '127.0.0.1', port: 0 })
  const client = createHttpClient(runtime)
  return {
    transport: createHttpJsonTransport(client, { resolve: fixedAddress(address) }),
    async dispose() {
      await client.close()
      await http.close()
    },
  }
})
