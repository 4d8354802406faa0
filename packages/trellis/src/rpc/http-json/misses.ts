/** The faults of requests that lead nowhere: the same at a service and at a gateway. */
import { Fault } from '../../kernel/fault.ts'

/** For a path that nothing has: also the one of what is not exposed, so that nobody learns what is. */
export function unknownPath(): Fault {
  return new Fault('not_found', 'Nothing is served at this path; the OpenAPI document lists what is.', {
    reason: 'UNKNOWN_PATH',
  })
}

/** For a path that two readers could read differently. */
export function invalidPath(): Fault {
  return new Fault('invalid_argument', 'The path is not percent-encoded UTF-8, or has dot segments.', {
    reason: 'INVALID_PATH',
  })
}

/** For a path that has other methods; `allowed` lists them, parted by commas. */
export function methodNotAllowed(method: string, allowed: string): Fault {
  return new Fault('unimplemented', `${method} is not served at this path; use one of ${allowed}.`, {
    reason: 'METHOD_NOT_ALLOWED',
  })
}
