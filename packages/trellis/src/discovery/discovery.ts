/**
 * Who exists, and whom to ask. The Registry port says who exists; a `Balancer` picks among them.
 */
import type { Outcome } from '../kernel/context.ts'
import type { Address } from '../kernel/runtime.ts'

/** A running copy of a service. */
export interface Instance {
  /** Unique among all instances; new at every start. */
  readonly id: string
  readonly service: string
  readonly address: Address
  /** Free pairs: version, zone, weight. */
  readonly metadata: Readonly<Record<string, string>>
}

/** An instance's place in the registry. Heartbeats are the engine's business. */
export interface Registration extends AsyncDisposable {
  /** Leaves the registry; watchers see it within a second. */
  leave(): Promise<void>
}

/** A running watch. */
export interface Watch extends AsyncDisposable {
  /** The last good list: never emptied by an outage or an empty answer while instances were known within their lease. */
  readonly instances: readonly Instance[]
}

/**
 * The Registry port. A registration is visible to watchers within 1 s; an instance whose process died leaves within its lease. Outages are the engine's to
 * bridge: a registration is made again, a watch keeps its last good list and goes on.
 */
export interface Registry extends AsyncDisposable {
  /** Registers until the registration leaves or the process dies. */
  register(instance: Instance): Promise<Registration>
  /** Follows the instances of a service; `changed` is called with each new list, the first before the promise resolves. */
  watch(service: string, changed: (instances: readonly Instance[]) => void): Promise<Watch>
}

/** A choice of a balancer: the instance, and where to report how it went. */
export interface Pick {
  readonly instance: Instance
  done(outcome: Outcome): void
}

/** Chooses an instance for each attempt of a call. Made per service; may keep load and latency of each instance. */
export interface Balancer {
  /** Chooses among `instances` (never empty); `avoid` holds those that already failed this call. */
  pick(instances: readonly Instance[], avoid: ReadonlySet<string>): Pick
}
