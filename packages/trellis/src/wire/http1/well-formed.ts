import type { Headers } from '../exchange.ts'

/** `uri-host [":" port]` of RFC 3986, sections 3.2.2 and 3.2.3; empty where the target has no authority. */
const HOST = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]*)(:[0-9]*)?$/

/**
 * Whether a request is what RFC 9112 allows, in what the parser of node:http lets pass: other versions, no host, two hosts (section 3.2), codings beside chunked,
 * and chunked in HTTP/1.0 (section 6.1). A proxy in front may read such a request differently, and would be led to take a part of one for another.
 */
export function isWellFormed(version: string, headers: Headers): boolean {
  const old = version === '1.0'
  if (!old && version !== '1.1') return false
  let host: string | undefined
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]
    const value = headers[index + 1] as string
    if (name === 'host') {
      if (host !== undefined || !HOST.test(value)) return false
      host = value
    } else if (name === 'transfer-encoding') {
      if (old || value.toLowerCase() !== 'chunked') return false
    }
  }
  return old || host !== undefined
}
