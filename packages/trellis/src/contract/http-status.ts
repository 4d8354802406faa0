import type { FaultCode } from '../kernel/fault.ts'

/** HTTP statuses of the 16 codes. A client that sees a status alone takes the code that `codeOf` gives. */
const STATUS: Readonly<Record<FaultCode, number>> = {
  // 499 is known to nginx alone and is never sent: who cancels is not there any more to read an answer.
  cancelled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 409,
  aborted: 409,
  out_of_range: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  data_loss: 500,
  unauthenticated: 401,
}

/** Platform reasons whose status HTTP itself fixes. */
const STATUS_BY_REASON: ReadonlyMap<string, number> = new Map([
  ['BODY_TOO_LARGE', 413],
  ['UNSUPPORTED_MEDIA_TYPE', 415],
  ['IDEMPOTENCY_KEY_REUSED', 422],
  ['METHOD_NOT_ALLOWED', 405],
])

const CODE: ReadonlyMap<number, FaultCode> = new Map([
  [400, 'invalid_argument'],
  [401, 'unauthenticated'],
  [403, 'permission_denied'],
  [404, 'not_found'],
  [405, 'unimplemented'],
  [408, 'deadline_exceeded'],
  [409, 'aborted'],
  [413, 'resource_exhausted'],
  [415, 'invalid_argument'],
  [422, 'failed_precondition'],
  [429, 'resource_exhausted'],
  [499, 'cancelled'],
  [501, 'unimplemented'],
  [502, 'unavailable'],
  [503, 'unavailable'],
  [504, 'deadline_exceeded'],
])

/** HTTP status of a fault. */
export function statusOf(code: FaultCode, reason?: string): number {
  return (reason === undefined ? undefined : STATUS_BY_REASON.get(reason)) ?? STATUS[code]
}

/** Code of an answer that is no problem document of ours, such as that of a proxy in between. */
export function codeOf(status: number): FaultCode {
  return CODE.get(status) ?? (status >= 400 && status < 500 ? 'invalid_argument' : 'unknown')
}
