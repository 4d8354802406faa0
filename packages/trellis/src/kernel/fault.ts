/** The 16 failure codes that gRPC, Connect and Google's AIP-193 share, in lower case. */
export const FAULT_CODES = [
  'cancelled',
  'unknown',
  'invalid_argument',
  'deadline_exceeded',
  'not_found',
  'already_exists',
  'permission_denied',
  'resource_exhausted',
  'failed_precondition',
  'aborted',
  'out_of_range',
  'unimplemented',
  'internal',
  'unavailable',
  'data_loss',
  'unauthenticated',
] as const

/** One of the 16 canonical codes. */
export type FaultCode = (typeof FAULT_CODES)[number]

/** What a fault is made of. */
export interface FaultInit {
  /** Stable name in UPPER_SNAKE that programs may compare; default: the code in upper case. */
  readonly reason?: string
  /** Data for the caller. It leaves the process: nothing secret. */
  readonly details?: unknown
  /** Whether the same call may succeed later. Default: true for `unavailable` and `resource_exhausted`, else false. */
  readonly retryable?: boolean
  /** Milliseconds after which a retry makes sense; sent as `retry-after`. */
  readonly retryAfterMs?: number
  /** What caused it; logged, never sent. */
  readonly cause?: unknown
  /** A policy below has already retried; a policy above must not retry again, or retries multiply. */
  readonly retried?: boolean
}

const BRAND: symbol = Symbol.for('trellis.fault')
const CODES: ReadonlySet<string> = new Set(FAULT_CODES)

/**
 * The one error class. `message` says what happened and what to do.
 *
 * @example
 * throw new Fault('not_found', 'No product has the id p-17; list them at GET /products.', { reason: 'UNKNOWN_PRODUCT' })
 */
export class Fault extends Error {
  override readonly name: string = 'Fault'
  readonly code: FaultCode
  readonly reason: string
  readonly details: unknown
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
  readonly retried: boolean

  constructor(code: FaultCode, message: string, init: FaultInit = {}) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause })
    this.code = code
    this.reason = init.reason ?? code.toUpperCase()
    this.details = init.details
    this.retryable = init.retryable ?? (code === 'unavailable' || code === 'resource_exhausted')
    this.retryAfterMs = init.retryAfterMs
    this.retried = init.retried ?? false
  }

  /**
   * Converts anything thrown into a fault. A fault stays itself; everything else becomes `internal` with a message that
   * gives nothing away and the original as `cause`, so that unknown errors leave the process without details.
   */
  static from(thrown: unknown): Fault {
    if (isFault(thrown)) return thrown
    return new Fault('internal', 'An unexpected error occurred; the log of the service holds its cause.', {
      reason: 'INTERNAL',
      cause: thrown,
    })
  }
}

// On the prototype: declarations emitted file by file cannot name a field by a symbol.
Object.defineProperty(Fault.prototype, BRAND, { value: true })

/** Whether a value is a `Fault`, also one made by another copy of this module. Optionally of one reason. */
export function isFault(value: unknown, reason?: string): value is Fault {
  if (typeof value !== 'object' || value === null || !(BRAND in value)) return false
  return reason === undefined || (value as Fault).reason === reason
}

/** Whether a string is one of the 16 canonical codes. */
export function isFaultCode(value: unknown): value is FaultCode {
  return typeof value === 'string' && CODES.has(value)
}

/** A copy of a fault that is marked as already retried, for the policy above. */
export function markRetried(fault: Fault): Fault {
  if (fault.retried) return fault
  return new Fault(fault.code, fault.message, {
    reason: fault.reason,
    details: fault.details,
    retryable: fault.retryable,
    cause: fault.cause ?? fault,
    retried: true,
    ...(fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs }),
  })
}
