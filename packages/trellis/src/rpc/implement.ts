import type { Contract } from '../contract/contract.ts'
import type { Context } from '../kernel/context.ts'
import type { Handlers } from './rpc.ts'

/** A contract with the functions that carry it out. Inert until a server is made of it. */
export interface Implementation<Ctx extends Context = Context> {
  readonly contract: Contract
  readonly handlers: Readonly<Record<string, (input: never, ctx: Ctx) => unknown>>
}

/**
 * Implements a contract. Throws a `TypeError` that names an operation without a function, or a function without an operation.
 *
 * @example
 * implement(Users, { async get({ userId }, ctx) { return await find(userId, ctx) } })
 */
export function implement<C extends Contract, Ctx extends Context = Context>(
  contract: C,
  handlers: Handlers<C, Ctx>,
): Implementation<Ctx> {
  const functions = handlers as Readonly<Record<string, unknown>>
  for (const name of Object.keys(contract.operations)) {
    if (typeof functions[name] !== 'function') throw new TypeError(`${contract.name}: '${name}' has no function.`)
  }
  for (const name of Object.keys(handlers)) {
    if (!Object.hasOwn(contract.operations, name)) {
      throw new TypeError(
        `${contract.name} has no operation '${name}'; it has ${Object.keys(contract.operations).join(', ')}.`,
      )
    }
  }
  return { contract, handlers } as unknown as Implementation<Ctx>
}
