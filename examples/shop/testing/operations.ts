/** Every operation of the shop that the world can reach, with a request that would succeed: read off the contracts, so that a new one is among them. */
import type { Allow, Operation } from 'trellis/contract'
import { restInput } from 'trellis/contract'
import { type JsonSchema, jsonSchemaOf, sampleOf, shapeOf } from 'trellis/schema'
import { roles } from '../roles.ts'
import shop from '../system.ts'
import type { Json } from './shop-client.ts'

/** An operation with a request that would succeed. */
export interface ReachableOperation {
  readonly method: string
  /** Path with its query; `{orderId}` and `{productId}` stand for ones that exist. */
  readonly path: string
  /** Undefined: it takes none. */
  readonly body: Json
  /** Members of the body that may be left out. */
  readonly optional: readonly string[]
  readonly by: 'visitor' | 'customer' | 'clerk' | 'admin'
  /** What others get who are signed in; undefined: it is for everybody. */
  readonly others: 'permission_denied' | 'not_found' | undefined
  /** Acts once per idempotency key. */
  readonly keyed: boolean
}

/** The operations that the gateway exposes. */
export const reachableOperations: readonly ReachableOperation[] = (shop.gateway?.routes ?? []).flatMap(
  ({ contract, operations }) => operations.map(name => toReachable(contract.operations[name] as Operation)),
)

function toReachable(operation: Operation): ReachableOperation {
  const { pattern, queryMembers, bodyMembers } = restInput(operation)
  const example = exampleOf(operation)
  const value = (name: string): Json => (name === 'productId' ? '{productId}' : example[name])
  const query = [...queryMembers].filter(([, { required }]) => required).map(([name]) => `${name}=${value(name)}`)
  return {
    method: pattern.method,
    path: query.length === 0 ? pattern.path : `${pattern.path}?${query.join('&')}`,
    body:
      bodyMembers.size === 0 ? undefined : Object.fromEntries([...bodyMembers.keys()].map(name => [name, value(name)])),
    optional: [...bodyMembers].filter(([, { required }]) => !required).map(([name]) => name),
    ...whoMay(operation.allow),
    keyed: operation.idempotent === 'key',
  }
}

function whoMay(allow: Allow): Pick<ReachableOperation, 'by' | 'others'> {
  switch (allow.kind) {
    case 'public':
      return { by: 'visitor', others: undefined }
    case 'signed-in':
      return { by: 'customer', others: undefined }
    case 'own':
      return { by: 'customer', others: 'not_found' }
    case 'permission':
      return { by: roles.clerk?.includes(allow.permission) ? 'clerk' : 'admin', others: 'permission_denied' }
    case 'internal':
      throw new TypeError('What is internal is not exposed.')
  }
}

/** The example that the contract gives, else a plausible input. */
function exampleOf({ input }: Operation): Json {
  const schema = jsonSchemaOf(input, 'input') as JsonSchema & { $ref?: string; $defs?: Record<string, JsonSchema> }
  const { examples } = (schema.$defs?.[schema.$ref?.slice('#/$defs/'.length) ?? ''] ?? schema) as { examples?: Json[] }
  return examples?.[0] ?? sampleOf(shapeOf(input))
}
