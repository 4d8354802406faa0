/** A request that failed: the API's problem document (RFC 9457), or no answer at all. */
export class Problem extends Error {
  /**
   * @param {string} message
   * @param {{ status?: number, code: string, reason: string, details?: any, retryable?: boolean, retryAfterMs?: number }} about
   */
  constructor(message, { status = 0, code, reason, details, retryable = false, retryAfterMs }) {
    super(message)
    this.name = 'Problem'
    /** HTTP status; 0 when there was no answer. */
    this.status = status
    this.code = code
    this.reason = reason
    this.details = details
    /** Whether the same request may succeed later. */
    this.retryable = retryable
    this.retryAfterMs = retryAfterMs
  }

  /** Whether the request may have been carried out all the same: nobody knows. */
  get isOpen() {
    return this.status === 0 || this.status >= 500
  }
}

/** The problem of an answer that is none of success. */
export async function problemOf(response) {
  let document = {}
  try {
    document = await response.json()
  } catch {
    // Not ours: something between the page and the shop answered. The status says enough.
  }
  const { detail, code, reason, details, retryable, retryAfterMs } = document
  return new Problem(detail ?? `The shop answered with the status ${response.status}.`, {
    status: response.status,
    code: code ?? (response.status >= 502 ? 'unavailable' : 'unknown'),
    reason: reason ?? `HTTP_${response.status}`,
    details,
    retryable: retryable ?? response.status >= 502,
    retryAfterMs: retryAfterMs ?? secondsOf(response.headers.get('retry-after')),
  })
}

/** The problem of a request without an answer. */
export function noAnswer(isTimeout) {
  return isTimeout
    ? new Problem('The shop took too long to answer.', {
        code: 'deadline_exceeded',
        reason: 'NO_ANSWER',
        retryable: true,
      })
    : new Problem('The shop can’t be reached. Check the connection.', {
        code: 'unavailable',
        reason: 'NO_CONNECTION',
        retryable: true,
      })
}

function secondsOf(header) {
  const seconds = Number(header ?? Number.NaN)
  return seconds >= 0 ? seconds * 1000 : undefined
}
