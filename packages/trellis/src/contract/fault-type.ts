import type { FaultCode } from '../kernel/fault.ts'
import { Fault, isFault, isFaultCode } from '../kernel/fault.ts'
import type { Schema } from '../schema/schema.ts'
import { checkMessageSchema } from './message-schema.ts'

/** A declared fault: part of the contract, so that a caller can tell it apart and read its details. Made by `fault`, thrown by `raise`. */
export interface FaultType<D = unknown> {
  readonly code: FaultCode
  /** Stable, UPPER_SNAKE. */
  readonly reason: string
  /** Default message: what happened and what to do. */
  readonly message: string
  readonly details: Schema<D> | undefined
}

/** What a fault is declared with. */
export interface FaultTypeOptions<D> {
  readonly code: FaultCode
  readonly reason: string
  readonly message: string
  /** Data that comes with it. Default: none. */
  readonly details?: Schema<D>
}

/** What a fault is raised with. */
export interface RaiseOptions<D> {
  readonly details?: D
  /** Default: the declared message. */
  readonly message?: string
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/** Options of `raise`: required where the fault has declared details. */
export type RaiseArguments<D> = [D] extends [undefined]
  ? [options?: RaiseOptions<undefined>]
  : [options: RaiseOptions<D> & { readonly details: D }]

const REASON = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/

/**
 * Declares a fault.
 *
 * @example
 * const PriceChanged = fault({
 *   code: 'failed_precondition',
 *   reason: 'PRICE_CHANGED',
 *   message: 'A price changed since the item was added; read the order and check out again.',
 *   details: z.object({ prices: z.record(z.string(), Money) }),
 * })
 */
export function fault<D = undefined>(options: FaultTypeOptions<D>): FaultType<D> {
  if (!isFaultCode(options.code)) throw new TypeError(`'${options.code}' is not one of the 16 fault codes.`)
  if (!REASON.test(options.reason)) {
    throw new TypeError(
      `'${options.reason}' is no reason of a fault. Write it in UPPER_SNAKE, such as 'PRICE_CHANGED'.`,
    )
  }
  if (options.message === '') throw new TypeError(`The fault '${options.reason}' needs a message that says what to do.`)
  if (options.details !== undefined) {
    checkMessageSchema(options.details, `The details of the fault '${options.reason}'`, 'tolerant')
  }
  return Object.freeze({
    code: options.code,
    reason: options.reason,
    message: options.message,
    details: options.details,
  })
}

/**
 * Throws a declared fault.
 *
 * @example
 * if (user === undefined) raise(UserNotFound)
 * if (changed.length > 0) raise(PriceChanged, { details: { prices } })
 */
export function raise<D>(type: FaultType<D>, ...[options]: RaiseArguments<D>): never {
  throw new Fault(type.code, options?.message ?? type.message, {
    reason: type.reason,
    ...(options?.details === undefined ? {} : { details: options.details }),
    ...(options?.retryAfterMs === undefined ? {} : { retryAfterMs: options.retryAfterMs }),
    ...(options?.cause === undefined ? {} : { cause: options.cause }),
  })
}

/**
 * Whether an error is a declared fault, raised here or by a service that was called. False too when its details are not as declared, as
 * those of a service of another version may be.
 *
 * @example
 * catch (error) {
 *   if (isRaised(error, PriceChanged)) show(error.details.prices)
 *   else throw error
 * }
 */
export function isRaised<D>(error: unknown, type: FaultType<D>): error is Fault & { readonly details: D } {
  if (!isFault(error, type.reason) || error.code !== type.code) return false
  if (type.details === undefined) return true
  const result = type.details['~standard'].validate(error.details)
  return !(result instanceof Promise) && result.issues === undefined
}
