import type { Contract } from '../contract/contract.ts'
import type { Operation } from '../contract/operation.ts'
import { Fault } from '../kernel/fault.ts'
import type { TargetKind } from '../kernel/handler.ts'
import type { Method } from './rpc.ts'

/** Deadline of a unary call when neither the caller nor the operation sets one. A person waits no longer. */
export const DEFAULT_TIMEOUT_MS = 5_000

/** One operation of a contract as seen from one side. */
export function method(contract: Contract, name: string, kind: TargetKind): Method {
  const operation = contract.operations[name] as Operation
  return {
    contract,
    name,
    operation,
    target: {
      kind,
      name: contract.name,
      operation: name,
      readonly: operation.readonly,
      idempotent: operation.idempotent !== false,
      streaming: operation.kind !== 'unary',
      allow: operation.allow,
    },
  }
}

/** Milliseconds that a call takes at most when its caller sets nothing; undefined for a stream without a declared limit. */
export function defaultTimeoutMs(operation: Operation): number | undefined {
  return operation.timeoutMs ?? (operation.kind === 'unary' ? DEFAULT_TIMEOUT_MS : undefined)
}

/** The fault of a stream of inputs on a transport that carries one input per call. */
export function streamedInput({ contract, name }: Method): Fault {
  return new Fault('unimplemented', `${contract.name}/${name} takes a stream, which this transport does not carry.`, {
    reason: 'STREAMED_INPUT',
  })
}
