/** The way of a call from the command line: to a gateway by its URL, or to the service's own port by the registry of the data folder. */
import { Directory, roundRobin } from 'trellis/discovery'
import type { Runtime } from 'trellis/kernel'
import type { Transport } from 'trellis/rpc'
import { createHttpJsonTransport, fixedAddress } from 'trellis/rpc/http-json'
import { createServiceIdentity, SERVICE_TOKEN_HEADER } from 'trellis/security'
import type { DataPlace, System } from 'trellis/system'
import { openRegistry, systemKeys } from 'trellis/system'
import type { HttpClient } from 'trellis/wire/http1'
import { usage } from './usage.ts'

/** Who calls. */
export interface Caller {
  /** A user's token. */
  readonly token: string | undefined
  /** As a service of the system, by the keys in its data folder. */
  readonly internal: boolean
}

/** Name under which the command calls as a service. */
const SELF = 'trellis-cli'

/** Through a gateway. */
export function throughGateway(http: HttpClient, system: System, url: string, { token }: Caller): Transport {
  const { address, basePath } = parseUrl(url, system.gateway?.basePath ?? '/api')
  return createHttpJsonTransport(http, {
    resolve: fixedAddress(address),
    basePath,
    headers: () => bearer(token),
  })
}

/** Straight to a service of a running system; what it opens is put on `stack`. */
export async function toService(
  runtime: Runtime,
  http: HttpClient,
  place: DataPlace,
  { token, internal }: Caller,
  stack: AsyncDisposableStack,
): Promise<Transport> {
  const registry = stack.use(await openRegistry(runtime, place)).value
  const directory = stack.use(new Directory({ registry, balancer: () => roundRobin(runtime.random.next) }))
  const self = internal
    ? createServiceIdentity(runtime, { service: SELF, keys: systemKeys(runtime, place) })
    : undefined
  return createHttpJsonTransport(http, {
    resolve: async (method, _ctx, avoid) => (await directory.service(method.contract.service)).pick(avoid),
    headers: async () => [...bearer(token), ...(self === undefined ? [] : [SERVICE_TOKEN_HEADER, await self.token()])],
  })
}

function bearer(token: string | undefined): string[] {
  return token === undefined ? [] : ['authorization', `Bearer ${token}`]
}

function parseUrl(text: string, defaultPath: string): { address: { host: string; port: number }; basePath: string } {
  const url = URL.parse(text)
  if (url === null || url.protocol !== 'http:') {
    throw usage(`--url is "${text}"; give one such as http://127.0.0.1:8080 (https is not spoken here yet).`)
  }
  const path = url.pathname.replace(/\/$/, '')
  return {
    address: { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 80 : Number(url.port) },
    basePath: path === '' ? defaultPath : path,
  }
}
