const REFUSALS = {
  400: ['Bad Request', 'MALFORMED_REQUEST', 'The request is not well-formed HTTP/1.1; send it as RFC 9112 asks.'],
  408: ['Request Timeout', 'REQUEST_TIMEOUT', 'The request did not arrive in time; send it again, faster.'],
  431: ['Request Header Fields Too Large', 'HEADERS_TOO_LARGE', 'The headers are too long or too many; send fewer.'],
} as const

/** What can be refused before there is an exchange. */
export type RefusalStatus = keyof typeof REFUSALS

/** The problem document (RFC 9457) of a refusal. */
export function refusalBody(status: RefusalStatus): string {
  const [title, reason, detail] = REFUSALS[status]
  return JSON.stringify({ type: 'about:blank', title, status, detail, code: 'invalid_argument', reason })
}

/** The bytes of a whole response that refuses a request the parser could not present, and closes the connection. */
export function refusal(status: RefusalStatus): string {
  const body = refusalBody(status)
  return `HTTP/1.1 ${status} ${REFUSALS[status][0]}\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`
}
