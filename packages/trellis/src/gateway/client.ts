import type { Peer } from '../wire/exchange.ts'

const ADDRESS = /^[0-9A-Fa-f:.]{2,45}$/

/** Who is at the other end, seen through `proxies` of one's own: the n-th address from the end of what they wrote down, the connection's when there are none. */
export function clientBehind(peer: Peer, forwardedFor: string | undefined, proxies: number): string {
  if (proxies === 0 || forwardedFor === undefined) return peer.address
  const addresses = forwardedFor.split(',')
  const address = (addresses[Math.max(0, addresses.length - proxies)] as string).trim()
  return ADDRESS.test(address) ? address : peer.address
}
