import type { Contract, Operation } from 'trellis/contract'
import type { System } from 'trellis/system'
import { usage } from './usage.ts'

/** An operation of a system, and where it is. */
export interface FoundOperation {
  readonly contract: Contract
  readonly name: string
  readonly operation: Operation
}

/** All operations of a system, in the order of its services. */
export function operationsOf(system: System): FoundOperation[] {
  return system.services
    .flatMap(({ provides }) => provides.map(({ contract }) => contract))
    .flatMap(contract =>
      Object.entries(contract.operations).map(([name, operation]) => ({ contract, name, operation })),
    )
}

/** Finds `orders.create`, `Orders.create`, `shop.orders.v1.Orders.create` or the same with a slash; a `USAGE` fault says what there is. */
export function findOperation(system: System, text: string): FoundOperation {
  const cut = Math.max(text.lastIndexOf('.'), text.lastIndexOf('/'))
  if (cut <= 0) throw usage(`"${text}" names no operation; write it as SERVICE.OPERATION. trellis call lists them.`)
  const [owner, name] = [text.slice(0, cut), text.slice(cut + 1)]
  const owned = operationsOf(system).filter(({ contract }) => namesOf(contract).includes(owner.toLowerCase()))
  if (owned.length === 0) {
    const names = system.services.filter(({ provides }) => provides.length > 0).map(service => service.name)
    throw usage(`${system.name} has no service or contract "${owner}"; its services are ${names.join(', ')}.`)
  }
  const found = owned.filter(operation => operation.name.toLowerCase() === name.toLowerCase())
  const [first, second] = found
  if (first === undefined) {
    throw usage(`${owner} has no operation "${name}"; it has ${owned.map(operation => operation.name).join(', ')}.`)
  }
  if (second !== undefined) {
    const names = found.map(({ contract }) => `${contract.name}.${first.name}`)
    throw usage(`"${text}" may be ${names.join(' or ')}; write it in full.`)
  }
  return first
}

/** What people call a contract: its service, its last name, its full name. */
function namesOf({ name, service }: Contract): string[] {
  return [service, name.slice(name.lastIndexOf('.') + 1), name].map(each => each.toLowerCase())
}
