import { Fault } from '../kernel/fault.ts'
import type { Balancer, Instance, Pick, Registry, Watch } from './discovery.ts'

/** What a directory stands on. */
export interface DirectoryOptions {
  readonly registry: Registry
  /** Makes the balancer of a service: `() => roundRobin(runtime.random.next)`. */
  readonly balancer: (service: string) => Balancer
}

/** The instances of one service, for its callers. Nothing here waits or fails with the registry. */
export interface ServiceDirectory {
  readonly service: string
  /** The last good list. */
  readonly instances: readonly Instance[]
  /** Chooses an instance for one attempt; `avoid` holds the ids that already failed this call. `unavailable` / `NO_INSTANCE` when the list is empty. */
  pick(avoid?: ReadonlySet<string>): Pick
}

const NOBODY: ReadonlySet<string> = new Set()

/** One watch and one balancer per service, shared by all callers of a process. */
export class Directory implements AsyncDisposable {
  readonly #options: DirectoryOptions
  readonly #services = new Map<string, Promise<{ readonly entry: ServiceDirectory; readonly watch: Watch }>>()

  constructor(options: DirectoryOptions) {
    this.#options = options
  }

  /** Finds a service. The first time it asks the registry, and fails when that is away; the next call then asks again. Afterwards it stays known. */
  async service(name: string): Promise<ServiceDirectory> {
    let opening = this.#services.get(name)
    if (opening === undefined) {
      opening = this.#open(name)
      this.#services.set(name, opening)
      opening.catch(() => this.#services.delete(name)) // the caller gets the failure
    }
    return (await opening).entry
  }

  /** Ends the watches. */
  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await Promise.allSettled(this.#services.values())
    this.#services.clear()
    for (const result of opened) if (result.status === 'fulfilled') await result.value.watch[Symbol.asyncDispose]()
  }

  async #open(service: string): Promise<{ readonly entry: ServiceDirectory; readonly watch: Watch }> {
    let instances: readonly Instance[] = []
    const balancer = this.#options.balancer(service)
    const watch = await this.#options.registry.watch(service, list => {
      instances = list
    })
    const entry: ServiceDirectory = {
      service,
      get instances() {
        return instances
      },
      pick(avoid = NOBODY) {
        if (instances.length === 0) throw noInstance(service)
        return balancer.pick(instances, avoid)
      },
    }
    return { entry, watch }
  }
}

function noInstance(service: string): Fault {
  return new Fault(
    'unavailable',
    `No instance of ${service} is known; start one, or see why those that ran have gone.`,
    {
      reason: 'NO_INSTANCE',
    },
  )
}
