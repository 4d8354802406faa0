import type { Runtime } from '../kernel/index.ts'

/** A port that was free a moment ago, for a program that must be told its port. */
export async function freePort(runtime: Runtime, host: string): Promise<number> {
  const listener = await runtime.net.listen({ host, port: 0 }, socket => socket.destroy())
  await listener.close()
  return listener.address.port
}
