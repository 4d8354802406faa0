import type { Contract } from '../contract/contract.ts'
import type { Operation } from '../contract/operation.ts'
import type { Exposed } from './gateway.ts'

/** Which operations of a contract are exposed, and how. */
export interface ExposeOptions<C extends Contract = Contract> {
  /** These alone. Default: all that can be. */
  readonly only?: readonly (keyof C['operations'] & string)[]
  /** All but these. */
  readonly except?: readonly (keyof C['operations'] & string)[]
  /** Bytes of a request's body. Default: the gateway's limit. */
  readonly maxBodyBytes?: number
}

/**
 * Exposes the operations of a contract that have an `http:` route, save those for other services alone. What is not exposed is not there. Throws a `TypeError`
 * for a name that is no such operation, and when nothing is left.
 *
 * @example
 * system('shop', { services, gateway: { routes: [expose(Orders), expose(Users, { except: ['list'] })] } })
 */
export function expose<C extends Contract>(contract: C, options: ExposeOptions<C> = {}): Exposed {
  const { only, except, maxBodyBytes } = options
  if (only !== undefined && except !== undefined) {
    throw new TypeError(`${contract.name} is exposed with both 'only' and 'except'; keep one of them.`)
  }
  const possible = Object.entries<Operation>(contract.operations).filter(([, operation]) => isExposable(operation))
  const names = possible.map(([name]) => name)
  for (const name of only ?? except ?? []) {
    if (names.includes(name)) continue
    throw new TypeError(
      `${contract.name}/${name} can't be exposed: there is no such operation, or it has no route, or it is for other services alone. Choose from ${names.join(', ')}.`,
    )
  }
  const operations = names.filter(name => only?.includes(name) ?? !except?.includes(name))
  if (operations.length === 0) {
    throw new TypeError(`Nothing of ${contract.name} is exposed; give an operation an \`http:\` route, or drop this.`)
  }
  if (maxBodyBytes !== undefined && !(Number.isSafeInteger(maxBodyBytes) && maxBodyBytes >= 0)) {
    throw new RangeError(`maxBodyBytes is ${maxBodyBytes}; it must be a whole number of at least 0.`)
  }
  return Object.freeze({ contract, operations: Object.freeze(operations), maxBodyBytes })
}

/** Streams of inputs have no REST form; what does not say who may call is called by nobody. */
function isExposable({ http, allow, kind }: Operation): boolean {
  const streamsIn = kind === 'client-stream' || kind === 'bidi-stream'
  return http !== undefined && allow !== undefined && allow.kind !== 'internal' && !streamsIn
}
