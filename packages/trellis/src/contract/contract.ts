/**
 * A contract is data: inert, importable by a browser. Types, validation, REST and OpenAPI, gRPC, clients, docs and the compatibility gate
 * all derive from it.
 */
import { parseHttpPattern } from './http-pattern.ts'
import type { Operation } from './operation.ts'

/** Operations by name. */
export type Operations = Readonly<Record<string, Operation>>

/** A named set of operations. Made by `contract`. */
export interface Contract<Ops extends Operations = Operations> {
  /** Full protobuf service name with its major version, such as `shop.orders.v1.Orders`. */
  readonly name: string
  /** Name of the service that provides it, for discovery. Default: the last package segment that is not a version (`orders`). */
  readonly service: string
  readonly operations: Ops
  readonly description: string | undefined
}

/** What a contract is declared with, beside its name and operations. */
export interface ContractOptions {
  readonly service?: string
  readonly description?: string
}

/** What the caller of an operation gives. */
export type InputOf<Op> = Op extends Operation<infer I, infer _O, infer _K> ? I : never

/** What the caller of an operation gets. */
export type OutputOf<Op> = Op extends Operation<infer _I, infer O, infer _K> ? O : never

/** How an operation looks as a function with `Extra` as its second argument, for clients (call options) and for handlers (a context). */
export type OperationFunction<Op, Extra extends unknown[]> =
  Op extends Operation<infer I, infer O, infer K>
    ? K extends 'unary'
      ? (input: I, ...extra: Extra) => Promise<O>
      : K extends 'server-stream'
        ? (input: I, ...extra: Extra) => AsyncIterable<O>
        : K extends 'client-stream'
          ? (input: AsyncIterable<I>, ...extra: Extra) => Promise<O>
          : (input: AsyncIterable<I>, ...extra: Extra) => AsyncIterable<O>
    : never

const NAME = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+\.[A-Z][A-Za-z0-9]*$/
const VERSION = /^v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?$/
const OPERATION_NAME = /^[a-z][A-Za-z0-9]*$/
const SERVICE_NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/

/**
 * Declares a contract.
 *
 * @example
 * export const Orders = contract('shop.orders.v1.Orders', {
 *   get: unary<OrderId, Order>({ input: OrderId, output: Order, http: 'GET /orders/{orderId}', allow: own('orders:read') }),
 * })
 */
export function contract<Ops extends Operations>(
  name: string,
  operations: Ops,
  options: ContractOptions = {},
): Contract<Ops> {
  const segments = name.split('.')
  if (!NAME.test(name) || !segments.slice(1, -1).some(segment => VERSION.test(segment))) {
    throw new TypeError(
      `'${name}' does not name a contract. Write package, major version and name, such as 'shop.orders.v1.Orders'.`,
    )
  }
  checkOperations(name, operations)
  const service =
    options.service ??
    segments
      .slice(0, -1)
      .findLast(segment => !VERSION.test(segment))!
      .replaceAll('_', '-')
  if (!SERVICE_NAME.test(service)) {
    throw new TypeError(`'${service}' does not name a service. Write it in kebab-case, such as 'order-management'.`)
  }
  return Object.freeze({
    name,
    service,
    operations: Object.freeze({ ...operations }),
    description: options.description,
  })
}

function checkOperations(contract: string, operations: Operations): void {
  const routes = new Map<string, string>()
  for (const [name, operation] of Object.entries(operations)) {
    // A client with a method `then` would be taken for a promise; inherited names would hide what every object has.
    if (!OPERATION_NAME.test(name) || name === 'then' || name in Object.prototype) {
      throw new TypeError(`${contract}: '${name}' can't name an operation. Write it in camelCase, such as 'addItem'.`)
    }
    if (operation.http === undefined) continue
    const { method, segments } = parseHttpPattern(operation.http)
    const route = `${method} /${segments.map(part => (part.kind === 'literal' ? part.text : '{}')).join('/')}`
    const other = routes.get(route)
    if (other !== undefined) {
      throw new TypeError(`${contract}: '${other}' and '${name}' have the same route, ${route}.`)
    }
    routes.set(route, name)
  }
}

/**
 * Name of an operation as a protobuf method: `addItem` becomes `AddItem`.
 */
export function methodName(operation: string): string {
  return operation.charAt(0).toUpperCase() + operation.slice(1)
}

/** Path under which gRPC, Connect and calls between services reach an operation, such as `/shop.orders.v1.Orders/AddItem`. */
export function operationPath(contract: Contract, operation: string): string {
  return `/${contract.name}/${methodName(operation)}`
}
