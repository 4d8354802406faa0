/** Faults as problem documents: RFC 9457 with `code`, `reason` and what else a caller needs to act. */
import { Fault, isFaultCode } from '../../kernel/fault.ts'
import type { Headers } from '../../wire/exchange.ts'
import { header } from '../../wire/exchange.ts'
import { codeOf, statusOf, titleOf } from './status.ts'

/** A fault on the wire. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  /** The fault's message. */
  readonly detail: string
  readonly code: string
  readonly reason: string
  readonly details?: unknown
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  readonly retryAfterMs?: number
  /** A service further in has already retried. */
  readonly retried?: true
}

/** Reasons whose messages are for whoever runs the machine: they name files, addresses and ports. */
const OF_THE_MACHINE: ReadonlySet<string> = new Set([
  'CONNECT_FAILED',
  'CONNECTION_LOST',
  'DISK_FAILED',
  'DISK_FULL',
  'MALFORMED_RESPONSE',
  'STORE_BUSY',
  'STORE_CORRUPT',
  'STORE_READ_ONLY',
  'STORE_UNAVAILABLE',
])

/** What a caller is told: machines stay unnamed, the log of the service names them. */
function detailOf({ reason, message, retryable }: Fault): string {
  if (!OF_THE_MACHINE.has(reason)) return message
  return retryable
    ? 'A part of the system is not available at the moment; try again a little later.'
    : 'A part of the system failed; the log of the service holds the cause.'
}

/** The problem document of a fault. Its cause stays behind, and so do names of files and machines. */
export function toProblem(fault: Fault): Problem {
  const status = statusOf(fault.code, fault.reason)
  return {
    type: 'about:blank',
    title: titleOf(status),
    status,
    detail: detailOf(fault),
    code: fault.code,
    reason: fault.reason,
    ...(fault.details === undefined ? {} : { details: fault.details }),
    retryable: fault.retryable,
    ...(fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs }),
    ...(fault.retried ? { retried: true } : {}),
  }
}

/** The text of a fault's problem document; details that JSON can't say are left out. */
export function problemText(fault: Fault): string {
  const problem = toProblem(fault)
  try {
    return JSON.stringify(problem)
  } catch {
    return JSON.stringify({ ...problem, details: undefined }) // the fault itself matters more than its details
  }
}

/** Headers of an answer that is a fault. */
export function problemHeaders(fault: Fault): string[] {
  const headers = ['content-type', 'application/problem+json']
  if (fault.retryAfterMs !== undefined) headers.push('retry-after', String(Math.ceil(fault.retryAfterMs / 1000)))
  if (fault.code === 'unauthenticated') headers.push('www-authenticate', 'Bearer')
  return headers
}

/** The fault of a problem document; undefined when it is none of ours. */
export function fromProblem(value: unknown): Fault | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { code, reason, detail, details, retryable, retryAfterMs, retried } = value as Partial<Record<string, unknown>>
  if (!isFaultCode(code)) return undefined
  return new Fault(code, typeof detail === 'string' ? detail : 'The service gave no message.', {
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(details === undefined ? {} : { details }),
    ...(typeof retryable === 'boolean' ? { retryable } : {}),
    ...(typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? { retryAfterMs } : {}),
    retried: retried === true,
  })
}

/** The fault of an answer that something other than a Trellis service gave, such as a proxy in between. */
export function fromStatus(status: number, headers: Headers): Fault {
  const seconds = Number(header(headers, 'retry-after') ?? Number.NaN)
  return new Fault(
    codeOf(status),
    `The answer has the HTTP status ${status} and no problem document; what stands in between?`,
    {
      reason: `HTTP_${status}`,
      ...(seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}),
    },
  )
}
