import type { Attribute } from '../kernel/context.ts'
import { attribute } from '../kernel/context.ts'
import type { Identity } from '../kernel/identity.ts'
import type { Peer } from '../wire/exchange.ts'

/**
 * Network address of whoever calls from outside, for counting and throttling; undefined when a service calls for itself. Never a proof of who someone is.
 */
export const clientAddress: Attribute<string | undefined> = attribute('client-address')

/** Header in which a gateway says who called it. Believed only beside the gateway's own verified `trellis-service-token`; a gateway drops what comes from outside. */
export const CLIENT_ADDRESS_HEADER = 'trellis-client-address'

/** The address to believe: the gateway's word when the call came through one of `edges`, the connection's when no service is involved. */
export function addressOf(
  identity: Identity | undefined,
  said: string | undefined,
  peer: Peer,
  edges: readonly string[],
): string | undefined {
  const service = identity?.kind === 'service' ? identity.subject : identity?.via
  if (service === undefined) return peer.address
  return edges.includes(service) ? said : undefined
}
