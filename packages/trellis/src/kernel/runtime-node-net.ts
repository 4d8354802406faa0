import { connect, createServer } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Listener, Net } from './runtime.ts'
import { connectFault, listenFault } from './runtime-fault.ts'

/** TCP, without Nagle's delay. */
export const nodeNet: Net = {
  listen(address, accept) {
    return new Promise((resolve, reject) => {
      const server = createServer({ noDelay: true }, accept)
      // It stays: once the server listens, an error is one connection that could not be accepted (no file descriptor left, say).
      // Its peer sees that, later ones may be accepted again, and without this handler the process would end.
      server.on('error', error => reject(listenFault(error, address)))
      server.listen({ host: address.host, port: address.port, backlog: 1024 }, () => {
        const bound = server.address()
        const port = typeof bound === 'object' && bound !== null ? bound.port : address.port
        // server.close() calls back when all connections have ended; a listener that stops accepting must not wait for them.
        const close = (): Promise<void> => {
          server.close()
          return Promise.resolve()
        }
        const listener: Listener = { address: { host: address.host, port }, close, [Symbol.asyncDispose]: close }
        resolve(listener)
      })
    })
  },
  connect(address) {
    return new Promise<Duplex>((resolve, reject) => {
      const socket = connect({ host: address.host, port: address.port, noDelay: true })
      const failed = (error: Error): void => reject(connectFault(error, address))
      socket.once('error', failed)
      socket.once('connect', () => {
        socket.off('error', failed)
        resolve(socket)
      })
    })
  },
}
