/** The ways between services: straight to those of the same process, over HTTP to the others. Both carry the same, and check the same. */
import type { Directory } from '../discovery/index.ts'
import type { Runtime } from '../kernel/index.ts'
import { createHttpJsonTransport } from '../rpc/http-json/index.ts'
import type { RpcServer, Transport } from '../rpc/index.ts'
import { createMemoryTransport } from '../rpc/memory/index.ts'
import type { KeyStorage, Roles } from '../security/index.ts'
import { createServiceIdentity, SERVICE_TOKEN_HEADER, throughService } from '../security/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { HttpClient } from '../wire/http1/index.ts'
import type { ExchangeHandler } from '../wire/index.ts'

/** A service of this process: its methods, and what answers its port. */
export interface LocalServer {
  readonly server: RpcServer
  readonly handle: ExchangeHandler
}

/** The servers of this process, by the name of their service. */
export class LocalServers {
  readonly #servers = new Map<string, LocalServer>()

  /** A service is there to be called. */
  add(service: string, server: LocalServer): void {
    this.#servers.set(service, server)
  }

  /** A service goes; callers turn to other processes. */
  remove(service: string): void {
    this.#servers.delete(service)
  }

  /** The server of a service, when it is here. */
  of(service: string): LocalServer | undefined {
    return this.#servers.get(service)
  }
}

/** What the ways are made of. */
export interface Ways {
  readonly runtime: Runtime
  readonly directory: Directory
  readonly http: HttpClient
  readonly local: LocalServers
  readonly systemKeys: KeyStorage
  readonly permissions: Roles
  readonly logger: Logger
}

/** How the calls of a service leave it: it proves who it is, and passes on for whom it calls. */
export function transportOf(service: string, ways: Ways): Transport {
  const { runtime, directory, local, systemKeys: keys, permissions, logger } = ways
  const self = createServiceIdentity(runtime, { service, keys, logger })
  const remote = createHttpJsonTransport(ways.http, {
    resolve: async (method, _ctx, avoid) => (await directory.service(method.contract.service)).pick(avoid),
    headers: async ctx => {
      const token = ctx.identity?.kind === 'user' ? ctx.identity.token : undefined
      const own = [SERVICE_TOKEN_HEADER, await self.token()]
      return token === undefined ? own : ['authorization', `Bearer ${token}`, ...own]
    },
  })
  return {
    handler(method) {
      const overHttp = remote.handler(method)
      let server: LocalServer | undefined
      let direct = overHttp
      return (input, ctx) => {
        const here = local.of(method.contract.service)
        if (here === undefined) return overHttp(input, ctx)
        if (here !== server) {
          server = here
          const identity = (caller: typeof ctx) => throughService(caller.identity, service, permissions)
          direct = createMemoryTransport([here.server], { identity }).handler(method)
        }
        return direct(input, ctx)
      }
    },
  }
}
