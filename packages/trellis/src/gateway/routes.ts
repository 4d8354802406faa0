import type { Contract } from '../contract/contract.ts'
import { parseHttpPattern } from '../contract/http-pattern.ts'
import type { Operation } from '../contract/operation.ts'
import type { Target } from '../kernel/handler.ts'
import type { Exposed } from './gateway.ts'

/** One operation that the world may reach. */
export interface Route {
  readonly contract: Contract
  readonly operation: Operation
  readonly pattern: ReturnType<typeof parseHttpPattern>
  readonly target: Target
  readonly maxBodyBytes: number
}

/** The routes of what is exposed. */
export function toRoutes(exposed: readonly Exposed[], maxBodyBytes: number): Route[] {
  return exposed.flatMap(({ contract, operations, maxBodyBytes: own }) =>
    operations.map(name => {
      const operation = contract.operations[name] as Operation
      return {
        contract,
        operation,
        pattern: parseHttpPattern(operation.http as string),
        target: routeTarget(contract, name, operation),
        maxBodyBytes: own ?? maxBodyBytes,
      }
    }),
  )
}

/** Contracts without what is not exposed, for their description. */
export function exposedPart(exposed: readonly Exposed[]): Contract[] {
  return exposed.map(({ contract, operations }) => ({
    ...contract,
    operations: Object.fromEntries(operations.map(name => [name, contract.operations[name] as Operation])),
  }))
}

function routeTarget(contract: Contract, name: string, operation: Operation): Target {
  return {
    kind: 'route',
    name: contract.name,
    operation: name,
    readonly: operation.readonly,
    idempotent: operation.idempotent !== false,
    streaming: operation.kind !== 'unary',
    // Whose a thing is, the service alone knows; that somebody is signed in can be seen here.
    allow: operation.allow.kind === 'own' ? { kind: 'signed-in' } : operation.allow,
  }
}
