import type { Runtime } from '../kernel/index.ts'
import type { Store } from '../store/index.ts'
import type { Logger, Metrics } from '../telemetry/index.ts'

/** What a resource may stand on. */
export interface ResourceEnvironment {
  readonly service: string
  readonly runtime: Runtime
  /** The service's own store, migrated. */
  readonly store: Store
  readonly log: Logger
  readonly metrics: Metrics
  /** A folder of the service's own, for files that are not in its store. */
  readonly folder: string
  /** A setting from the environment, such as `SHOP_ADMIN_PASSWORD`. */
  setting(name: string): string | undefined
}

/** Something that a service makes once when it starts, and disposes of when it stops: a key ring, a pool, a cache. Inert; made by `resource`. */
export interface Resource<T = unknown> {
  readonly name: string
  readonly create: (environment: ResourceEnvironment) => T | Promise<T>
  dispose(value: T): void | PromiseLike<void>
}

/**
 * Declares a resource. Handlers get its value by `ctx.resource(it)`; each started service has its own.
 *
 * @example
 * const passwords = resource('passwords', env => createPasswordHasher(env.runtime), hasher => hasher[Symbol.asyncDispose]())
 */
export function resource<T>(
  name: string,
  create: (environment: ResourceEnvironment) => T | Promise<T>,
  dispose?: (value: T) => void | PromiseLike<void>,
): Resource<T> {
  return { name, create, dispose: dispose ?? (() => undefined) }
}
