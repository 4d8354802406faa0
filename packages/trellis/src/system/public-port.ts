import type { Address } from '../kernel/index.ts'
import type { Shared } from './shared.ts'
import type { System } from './system.ts'

/** The port at which the world reaches a system. */
export interface PublicPort {
  readonly address: Address
  stop(): Promise<void>
}

/** Opens the gateway's port once every service behind it is there. */
export function openPublicPort(_shared: Shared, _system: System, _listen: Address): Promise<PublicPort> {
  return Promise.reject(new Error('pending'))
}
