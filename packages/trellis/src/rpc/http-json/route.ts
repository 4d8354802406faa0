import { operationPath } from '../../contract/contract.ts'
import type { HttpPattern } from '../../contract/http-pattern.ts'
import { parseHttpPattern } from '../../contract/http-pattern.ts'
import type { Method } from '../rpc.ts'

/** Where a method is reached between services: its REST route when it has one, else its own path. */
export function routeOf({ contract, name, operation }: Method): HttpPattern {
  return operation.http === undefined ? internalRoute(contract, name) : parseHttpPattern(operation.http)
}

/** `POST /shop.orders.v1.Orders/Create`: every method has it, whether it has a REST route or not. */
export function internalRoute(contract: Method['contract'], name: string): HttpPattern {
  const path = operationPath(contract, name)
  const segments = path
    .slice(1)
    .split('/')
    .map(text => ({ kind: 'literal' as const, text }))
  return { method: 'POST', path, segments, parameters: [], hasBody: true }
}
