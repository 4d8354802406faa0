import type { Address } from '../kernel/runtime.ts'
import type { Instance, Registration, Registry, Watch } from './discovery.ts'

/**
 * A registry whose instances are written down: for addresses that someone else manages (a load balancer, a Kubernetes service) and for tests.
 * Registering is accepted and changes nothing.
 *
 * @example
 * const registry = staticRegistry({ orders: [{ host: '10.0.0.7', port: 8080 }] })
 */
export function staticRegistry(services: Readonly<Record<string, readonly Address[]>>): Registry {
  const lists = new Map<string, readonly Instance[]>()
  for (const [service, addresses] of Object.entries(services)) {
    const ids = new Set<string>()
    const instances = addresses.map(address => toInstance(service, address))
    for (const { id } of instances) {
      if (ids.has(id)) throw new TypeError(`${id} is listed twice; list each address once.`)
      ids.add(id)
    }
    lists.set(service, Object.freeze(instances))
  }
  const nothing = async (): Promise<void> => undefined
  return {
    async register(): Promise<Registration> {
      return { leave: nothing, [Symbol.asyncDispose]: nothing }
    },
    async watch(service, changed): Promise<Watch> {
      const instances = lists.get(service) ?? []
      changed(instances)
      return { instances, [Symbol.asyncDispose]: nothing }
    },
    [Symbol.asyncDispose]: nothing,
  }
}

function toInstance(service: string, { host, port }: Address): Instance {
  if (host === '' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new RangeError(`${service} is at ${host}:${port}; use a host and a port from 1 to 65535.`)
  }
  return { id: `${service}@${host}:${port}`, service, address: { host, port }, metadata: {} }
}
