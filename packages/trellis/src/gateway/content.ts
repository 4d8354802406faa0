import { hash } from 'node:crypto'
import { header } from '../wire/exchange.ts'
import type { Passage } from './passage.ts'

/** Something that is sent as it is. */
export interface Content {
  readonly type: string
  readonly bytes: Uint8Array
  /** Strong validator (RFC 9110, section 8.8.3). */
  readonly etag: string
}

/** Makes content of text or bytes. */
export function content(type: string, body: string | Uint8Array): Content {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return { type, bytes, etag: `"${hash('sha256', bytes, 'base64url').slice(0, 27)}"` }
}

/** Answers a GET or HEAD with content; with 304 when the caller has it already. Whoever keeps it asks again each time, which costs no bytes. */
export function sendContent(passage: Passage, { type, bytes, etag }: Content): void {
  const headers = ['etag', etag, 'cache-control', 'no-cache']
  const known = header(passage.request.forwarded, 'if-none-match')
  if (known !== undefined && matches(known, etag)) passage.reply(304, headers)
  else passage.reply(200, ['content-type', type, ...headers], bytes)
}

/** Weak comparison, as `if-none-match` asks (RFC 9110, section 13.1.2). */
function matches(known: string, etag: string): boolean {
  return known.split(',').some(tag => {
    const text = tag.trim()
    return text === '*' || text === etag || text === `W/${etag}`
  })
}
