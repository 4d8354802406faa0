/** Scheme and authority of an absolute-form target (RFC 9112, section 3.2.2). */
const AUTHORITY = /^https?:\/\/[^/?#]*/i

/** Path and query of a request's target, whichever way it was written; what is neither stays as it is, and leads nowhere. */
export function originForm(target: string): string {
  if (target.startsWith('/')) return target
  const path = target.replace(AUTHORITY, '')
  return path === '' || path.startsWith('?') ? `/${path}` : path
}
