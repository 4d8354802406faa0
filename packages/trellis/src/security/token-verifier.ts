/**
 * Hot: every request of a signed-in user passes `verify`. A token that was verified before costs one SHA-256 and a look-up, without a promise; the cache holds
 * hashes, so that a copy of this process's memory is not a bag of tokens.
 */
import { hash } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { Runtime } from '../kernel/runtime.ts'
import { KeySet, type KeySetOptions, type KnownKey } from './key-set.ts'
import type { SignatureAlgorithm, TokenVerifier, VerifiedToken } from './security.ts'
import { fromJose, tokenFault } from './token-faults.ts'

/** Options of a verifier. */
export interface TokenVerifierOptions extends Omit<KeySetOptions, 'algorithms'> {
  /** `iss` that tokens must have. */
  readonly issuer: string
  /** `aud` that tokens must have, or hold. */
  readonly audience: string
  /** `typ` that tokens must have. Default `at+jwt` (RFC 9068): a token made for another purpose by the same keys is no access token. */
  readonly type?: string
  /** Accepted algorithms. Default EdDSA and ES256. Never symmetric ones, never `none`. */
  readonly algorithms?: readonly SignatureAlgorithm[]
  /** By how much clocks may differ, in milliseconds. Default 5,000. */
  readonly leewayMs?: number
  /** Verified tokens that are remembered. Default 10,000, about 10 MB. */
  readonly cacheSize?: number
}

/** Longest token, in characters. */
export const MAX_TOKEN_LENGTH = 8_192
/** How long an entry may keep its place in the order of use before it is moved: moving at each use would cost more than it tells. */
const TOUCH_MS = 1_000

/** Loaded with the first token: a service that sees none does without some megabytes. */
async function loadJose(): Promise<Pick<typeof import('jose'), 'jwtVerify' | 'decodeProtectedHeader'>> {
  const [{ jwtVerify }, { decodeProtectedHeader }] = await Promise.all([
    import('jose/jwt/verify'),
    import('jose/decode/protected_header'),
  ])
  return { jwtVerify, decodeProtectedHeader }
}

interface Entry {
  readonly token: VerifiedToken
  readonly key: KnownKey
  /** Monotonic would be wrong here: a token ends by the wall clock. */
  readonly until: number
  touched: number
}

/**
 * Makes a verifier. Without keys it answers `unavailable`, never `unauthenticated`.
 *
 * @example
 * const users = createTokenVerifier(runtime, { keys: () => client.jwks({}), issuer: 'shop', audience: 'shop', cachePath: '.trellis/users.jwks' })
 */
export function createTokenVerifier(runtime: Runtime, options: TokenVerifierOptions): TokenVerifier {
  return new CachingVerifier(runtime, options)
}

class CachingVerifier implements TokenVerifier {
  readonly #runtime: Runtime
  readonly #options: TokenVerifierOptions
  readonly #algorithms: readonly SignatureAlgorithm[]
  readonly #leewayMs: number
  readonly #cacheSize: number
  readonly #keys: KeySet
  readonly #cache = new Map<string, Entry>()
  #lastToken = ''
  #lastDigest = ''

  constructor(runtime: Runtime, options: TokenVerifierOptions) {
    const { algorithms = ['EdDSA', 'ES256'], leewayMs = 5_000, cacheSize = 10_000 } = options
    if (algorithms.length === 0 || algorithms.some(name => !['EdDSA', 'ES256', 'RS256'].includes(name))) {
      throw new TypeError(`algorithms is ${JSON.stringify(algorithms)}; choose from EdDSA, ES256 and RS256.`)
    }
    if (!(leewayMs >= 0)) throw new RangeError(`leewayMs is ${leewayMs}; it must be 0 or more.`)
    if (!(cacheSize >= 1)) throw new RangeError(`cacheSize is ${cacheSize}; it must be 1 or more.`)
    this.#runtime = runtime
    this.#options = options
    this.#algorithms = algorithms
    this.#leewayMs = leewayMs
    this.#cacheSize = cacheSize
    this.#keys = new KeySet(runtime, { ...options, algorithms })
  }

  verify(token: string): VerifiedToken | Promise<VerifiedToken> {
    if (token.length > MAX_TOKEN_LENGTH) return Promise.reject(tokenFault('TOKEN_TOO_LARGE'))
    const digest = this.#digest(token)
    const entry = this.#cache.get(digest)
    if (entry === undefined) return this.#verify(token, digest)
    const now = this.#runtime.clock.now()
    if (entry.key.gone || now >= entry.until) {
      this.#cache.delete(digest)
      return this.#verify(token, digest)
    }
    if (now - entry.touched >= TOUCH_MS) this.#touch(digest, entry, now)
    return entry.token
  }

  /**
   * Hashes a token, unless it is the one before: in one process the gateway and the service behind it verify the same token, and a service sends its own with
   * each of its calls. One token is remembered, no more.
   */
  #digest(token: string): string {
    if (token !== this.#lastToken) {
      this.#lastDigest = hash('sha256', token, 'latin1')
      this.#lastToken = token
    }
    return this.#lastDigest
  }

  #touch(digest: string, entry: Entry, now: number): void {
    entry.touched = now
    this.#cache.delete(digest)
    this.#cache.set(digest, entry)
    // Cached tokens alone would never ask for the keys, and a withdrawn key would never be noticed.
    this.#keys.refreshWhenStale()
  }

  async #verify(token: string, digest: string): Promise<VerifiedToken> {
    const { issuer, audience, type = 'at+jwt' } = this.#options
    const { jwtVerify, decodeProtectedHeader } = await this.#runtime.native(loadJose())
    try {
      const { alg, kid } = decodeProtectedHeader(token)
      if (!this.#algorithms.some(accepted => accepted === alg)) throw tokenFault('TOKEN_ALGORITHM_REFUSED')
      if (typeof kid !== 'string') throw tokenFault('TOKEN_KEY_UNKNOWN')
      const known = await this.#keys.find(kid)
      if (known.jwk.alg !== alg) throw tokenFault('TOKEN_ALGORITHM_REFUSED')
      const verified = jwtVerify(token, known.key, {
        issuer,
        audience,
        typ: type,
        algorithms: [known.jwk.alg],
        requiredClaims: ['sub', 'exp', 'iat'],
        clockTolerance: this.#leewayMs / 1000,
        currentDate: new Date(this.#runtime.clock.now()),
      })
      const { payload } = await this.#runtime.native(verified)
      return this.#remember(digest, payload, known)
    } catch (error) {
      throw fromJose(error)
    }
  }

  #remember(digest: string, payload: JWTPayload, key: KnownKey): VerifiedToken {
    const { sub, exp, iat, roles } = payload
    const now = this.#runtime.clock.now()
    if (typeof sub !== 'string' || sub === '' || exp === undefined) throw tokenFault('TOKEN_CLAIMS_REFUSED')
    if ((iat as number) * 1000 > now + this.#leewayMs) throw tokenFault('TOKEN_NOT_YET_VALID')
    const named = Array.isArray(roles) ? roles.filter(role => typeof role === 'string') : []
    const token: VerifiedToken = Object.freeze({
      subject: sub,
      roles: Object.freeze(named),
      claims: Object.freeze(payload),
      expiresAt: exp * 1000,
      keyId: key.jwk.kid,
    })
    if (this.#cache.size >= this.#cacheSize) {
      const [oldest] = this.#cache.keys()
      this.#cache.delete(oldest as string)
    }
    this.#cache.set(digest, { token, key, until: exp * 1000 + this.#leewayMs, touched: now })
    return token
  }
}
