/** A service with its port: served to callers of this process and of others, and found by both. */
import type { Registration } from '../discovery/index.ts'
import type { Address } from '../kernel/index.ts'
import { createHttpJsonHandler } from '../rpc/http-json/index.ts'
import type { RunningService, Service } from '../service/index.ts'
import { startService, withOperations } from '../service/index.ts'
import { createHttpServer } from '../wire/http1/index.ts'
import type { Shared } from './shared.ts'

/** A service that can be called. */
export interface HostedService {
  readonly running: RunningService
  readonly address: Address
  /** Leaves discovery: new calls go elsewhere. */
  leave(): Promise<void>
  /** Finishes what runs, and closes. */
  stop(): Promise<void>
}

/** Milliseconds that running calls may take to end: the default deadline of a call. */
const DRAIN_MS = 5_000

/** Where a service listens, and under which host others reach it. */
export interface HostOptions {
  readonly listen: Address
  readonly advertise: string
  /** Bytes of a request's body. Default 1,048,576. */
  readonly maxBodyBytes?: number
}

/** Starts a service, listens for its calls and enters it into the registry. */
export async function hostService(
  shared: Shared,
  definition: Service,
  { listen, advertise, maxBodyBytes }: HostOptions,
): Promise<HostedService> {
  const { platform, local } = shared
  const { runtime, metrics, registry } = platform
  const { name } = definition
  const running = await startService(platform, definition)
  const handler = createHttpJsonHandler(runtime, running.server, {
    identify: platform.identify,
    ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
  })
  const server = createHttpServer(runtime, {
    handler: withOperations({ metrics, ready: () => running.ready() }, handler.handle),
  })
  let registration: Registration | undefined
  const leave = async (): Promise<void> => {
    await registration?.leave()
    registration = undefined
  }
  const stop = async (): Promise<void> => {
    local.remove(name)
    handler.endStreams()
    await server.close({ graceMs: DRAIN_MS })
    await running.stop()
  }
  try {
    const address = await server.listen(listen)
    registration = await registry.register({
      id: `${platform.instance(name)}-${runtime.random.id()}`,
      service: name,
      address: { host: advertise, port: address.port },
      metadata: {},
    })
    platform.logger.log('info', 'listens', { service: name, host: address.host, port: address.port })
    local.add(name, { server: running.server, handle: handler.handle })
    return { running, address, leave, stop }
  } catch (error) {
    await stop().catch(() => undefined) // the failed start is the news
    throw error
  }
}
