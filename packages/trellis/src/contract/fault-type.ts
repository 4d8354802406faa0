import type { FaultCode } from '../kernel/fault.ts'
import type { Schema } from '../schema/schema.ts'

/** A declared fault: part of the contract, so that a caller can tell it apart and read its details. Made by `fault`, thrown by `raise`. */
export interface FaultType<D = unknown> {
  readonly code: FaultCode
  /** Stable, UPPER_SNAKE. */
  readonly reason: string
  /** Default message: what happened and what to do. */
  readonly message: string
  readonly details: Schema<D> | undefined
}
