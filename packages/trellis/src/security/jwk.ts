import type { PublicJwk, SignatureAlgorithm } from './security.ts'

const TEXT = /^[A-Za-z0-9_-]+$/

/** The public part of a JWK, or undefined when it is not a key that may verify: unknown kind, no `kid`, for encryption, or symmetric. Private members are left out. */
function toPublicJwk(value: unknown): PublicJwk | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { kty, kid, alg, use, crv, x, y, n, e } = value as Readonly<Record<string, unknown>>
  if (typeof kid !== 'string' || kid === '' || kid.length > 256) return undefined
  if (use !== undefined && use !== 'sig') return undefined
  if (kty === 'OKP' && crv === 'Ed25519' && isText(x) && fits(alg, 'EdDSA', 'Ed25519')) {
    return { kty, kid, alg: 'EdDSA', use: 'sig', crv, x }
  }
  if (kty === 'EC' && crv === 'P-256' && isText(x) && isText(y) && fits(alg, 'ES256')) {
    return { kty, kid, alg: 'ES256', use: 'sig', crv, x, y }
  }
  if (kty === 'RSA' && isText(n) && isText(e) && fits(alg, 'RS256')) return { kty, kid, alg: 'RS256', use: 'sig', n, e }
  return undefined
}

/** The usable keys of a JWK set; unusable ones are left out, as RFC 7517, section 5, asks. At most 100. */
export function toPublicJwks(value: unknown, algorithms: readonly SignatureAlgorithm[]): PublicJwk[] {
  const keys = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : undefined
  if (!Array.isArray(keys)) throw new TypeError('A JWK set is an object with a list of keys.')
  return keys
    .slice(0, 100)
    .map(toPublicJwk)
    .filter(key => key !== undefined)
    .filter(key => algorithms.includes(key.alg))
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 2_048 && TEXT.test(value)
}

function fits(alg: unknown, ...allowed: readonly string[]): boolean {
  return alg === undefined || (typeof alg === 'string' && allowed.includes(alg))
}
