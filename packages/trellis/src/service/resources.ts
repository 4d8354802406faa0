import type { Resource, ResourceEnvironment } from './resource.ts'

/** The resources of one running service, by their declarations. */
export class Resources implements AsyncDisposable {
  readonly #values = new Map<Resource, unknown>()

  /** Makes them one after the other. What was made is disposed of when one fails. */
  async create(declared: readonly Resource[], environment: ResourceEnvironment): Promise<void> {
    try {
      for (const resource of declared) this.#values.set(resource, await resource.create(environment))
    } catch (error) {
      await this[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The value of a resource; a `TypeError` when the service has not declared it. */
  get<T>(resource: Resource<T>): T {
    if (!this.#values.has(resource)) {
      throw new TypeError(`The resource ${resource.name} is not declared; list it in the service's resources.`)
    }
    return this.#values.get(resource) as T
  }

  /** Disposes of them in reverse order; a failure does not keep the others. */
  async [Symbol.asyncDispose](): Promise<void> {
    const made = [...this.#values].reverse()
    this.#values.clear()
    const results = await Promise.allSettled(made.map(async ([resource, value]) => resource.dispose(value)))
    const failures = results.filter(result => result.status === 'rejected').map(result => result.reason)
    if (failures.length > 0) throw new AggregateError(failures, 'Not every resource could be disposed of.')
  }
}
