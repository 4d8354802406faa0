// A node:http server that gives one answer to everything, as a process of its own: what node:http alone costs.
import { createServer } from 'node:http'

process.once('message', (message: { readonly body: string; readonly headers: readonly [string, string][] }) => {
  const headers = message.headers.filter(([name]) => !['connection', 'keep-alive', 'date'].includes(name)).flat()
  const server = createServer((_, response) => {
    response.writeHead(200, headers)
    response.end(message.body)
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    process.send?.(typeof address === 'object' && address !== null ? address.port : 0)
  })
})
