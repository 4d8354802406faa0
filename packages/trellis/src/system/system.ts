/** A whole system as one object: its services, what it shows to the world, and what runs beside it. Inert until a runner runs it. */
import type { Contract } from '../contract/index.ts'
import type { Exposed, GatewayOptions } from '../gateway/index.ts'
import type { RoleMap } from '../security/index.ts'
import type { Service } from '../service/index.ts'

/** Where the keys that verify the tokens of users come from. */
export interface TokenOptions {
  /** `iss` of the tokens. */
  readonly issuer: string
  /** `aud` of the tokens. */
  readonly audience: string
  /** The contract whose operation answers with a JSON Web Key Set. */
  readonly keys: { readonly contract: Contract; readonly operation: string }
}

/** A program beside the services that the system starts and watches over: a simulator, a legacy server. Always a process of its own. */
export interface Companion {
  readonly name: string
  /** The module to run, as a file URL: `import.meta.resolve('./provider/main.ts')`. It gets `PORT` and `DATA` in its environment, and SIGTERM to stop. */
  readonly module: string
  /** The setting that tells services its address, such as `SHOP_PROVIDER_URL`. */
  readonly setting: string
}

/** What a system is made of. */
export interface SystemOptions {
  readonly services: readonly Service[]
  /** What the world sees; none: nothing is exposed. */
  readonly gateway?: GatewayOptions
  /** How users' tokens are verified; none: only services can be told apart. */
  readonly tokens?: TokenOptions
  /** Which permissions a role carries. */
  readonly roles?: RoleMap
  readonly companions?: readonly Companion[]
}

/** A system as data. */
export interface System {
  readonly name: string
  readonly services: readonly Service[]
  readonly gateway: GatewayOptions | undefined
  readonly tokens: TokenOptions | undefined
  readonly roles: RoleMap
  readonly companions: readonly Companion[]
}

const NAME = /^[a-z][a-z0-9-]{0,62}$/

/**
 * Declares a system; what the runner and `trellis check` load.
 *
 * @example
 * export default system('shop', { services: [users, orders], gateway: { routes: [expose(Users), expose(Orders)] } })
 */
export function system(name: string, options: SystemOptions): System {
  if (!NAME.test(name))
    throw new TypeError(
      `System name ${JSON.stringify(name)}: use lower-case letters, digits and dashes, a letter first.`,
    )
  const names = [
    ...options.services.map(service => service.name),
    ...(options.companions ?? []).map(({ name: own }) => own),
    'gateway',
  ]
  const twice = names.find((own, index) => names.indexOf(own) !== index)
  if (twice !== undefined) throw new TypeError(`System ${name} has two parts named ${twice}; rename one.`)
  return {
    name,
    services: options.services,
    gateway: options.gateway,
    tokens: options.tokens,
    roles: options.roles ?? {},
    companions: options.companions ?? [],
  }
}

/** Contracts that a system exposes. */
export function exposedContracts(of: System): readonly Exposed[] {
  return of.gateway?.routes ?? []
}
