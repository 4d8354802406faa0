import type { CryptoKey } from 'jose'
import type { Runtime } from '../kernel/runtime.ts'
import type { KeyStorage } from './key-storage.ts'
import { type Rotation, rotated, rotationDue, signerOf } from './rotation.ts'
import type { JwkSet } from './security.ts'
import { newSigningKey, type SigningKey } from './signing-key.ts'

/** Options of an issuer. */
export interface TokenIssuerOptions {
  readonly keys: KeyStorage
  /** `iss`. */
  readonly issuer: string
  /** `aud`. */
  readonly audience: string
  /** `typ`. Default `at+jwt` (RFC 9068). */
  readonly type?: string
  readonly algorithm?: 'EdDSA' | 'ES256'
  /** How long tokens live, in milliseconds. Default 3,600,000. */
  readonly lifetimeMs?: number
  /** Age at which the signing key is replaced, in milliseconds. Default 604,800,000 (a week). */
  readonly rotateEveryMs?: number
  /** How long a new key is published before it signs, in milliseconds. Default 900,000: verifiers fetch keys every ten minutes. */
  readonly publishAheadMs?: number
}

/** What a token is to say. */
export interface TokenClaims {
  readonly subject: string
  readonly roles?: readonly string[]
  /** Further claims. Registered ones (`sub`, `exp`, …) can't be set here. */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** A token, and when it ends. */
export interface IssuedToken {
  readonly token: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** Signs tokens. */
export interface TokenIssuer {
  /** Signs a token. Makes the first key when there is none, and rotates keys when it is time. */
  issue(claims: TokenClaims): Promise<IssuedToken>
  /** The public keys: those that sign, will sign, or have signed tokens that still live. */
  jwks(): Promise<JwkSet>
}

/** How long keys are used before the storage is asked again: another process may have rotated them. */
const RECHECK_MS = 60_000
/** Added to a token's life before its key goes: clocks differ, and verifiers have leeway. */
const GRACE_MS = 300_000

/**
 * Makes an issuer. Keys rotate with overlap: a new one is published before it signs, an old one until the last token it signed has ended.
 *
 * @example
 * const issuer = createTokenIssuer(runtime, { keys: fileKeys(runtime, '.trellis/users/keys.json'), issuer: 'shop', audience: 'shop' })
 * const { token, expiresAt } = await issuer.issue({ subject: user.id, roles: user.roles })
 */
export function createTokenIssuer(runtime: Runtime, options: TokenIssuerOptions): TokenIssuer {
  return new RotatingIssuer(runtime, options)
}

class RotatingIssuer implements TokenIssuer {
  readonly #runtime: Runtime
  readonly #options: TokenIssuerOptions
  readonly #lifetimeMs: number
  readonly #rotation: Rotation
  #keys: Promise<readonly SigningKey[]> | undefined
  #recheckAt = Number.NEGATIVE_INFINITY
  #imported: { readonly kid: string; readonly key: Promise<CryptoKey> } | undefined

  constructor(runtime: Runtime, options: TokenIssuerOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#lifetimeMs = positive('lifetimeMs', options.lifetimeMs ?? 3_600_000)
    this.#rotation = {
      everyMs: positive('rotateEveryMs', options.rotateEveryMs ?? 604_800_000),
      aheadMs: options.publishAheadMs ?? 900_000,
      keepMs: this.#lifetimeMs + GRACE_MS,
    }
  }

  async issue({ subject, roles = [], claims = {} }: TokenClaims): Promise<IssuedToken> {
    if (subject === '') throw new TypeError('A token needs a subject that is not empty.')
    const keys = await this.#current()
    const now = this.#runtime.clock.now()
    const signer = signerOf(keys, now, this.#rotation) as SigningKey
    const { SignJWT } = await this.#runtime.native(import('jose/jwt/sign'))
    const key = await this.#import(signer)
    const issuedAt = Math.floor(now / 1000)
    const exp = issuedAt + Math.ceil(this.#lifetimeMs / 1000)
    const { issuer, audience, type = 'at+jwt' } = this.#options
    const own = { iss: issuer, aud: audience, sub: subject, iat: issuedAt, exp, jti: this.#runtime.random.id() }
    const token = new SignJWT({ ...claims, roles, ...own })
      .setProtectedHeader({ alg: signer.algorithm, kid: signer.kid, typ: type })
      .sign(key)
    return { token: await this.#runtime.native(token), expiresAt: exp * 1000 }
  }

  async jwks(): Promise<JwkSet> {
    const keys = await this.#current()
    return { keys: keys.map(key => key.publicJwk) }
  }

  #current(): Promise<readonly SigningKey[]> {
    const now = this.#runtime.clock.monotonic()
    if (this.#keys === undefined || now >= this.#recheckAt) {
      this.#recheckAt = now + RECHECK_MS
      const loading = this.#load()
      this.#keys = loading
      // A storage that failed is asked again by the next call, not after a minute.
      loading.catch(() => {
        if (this.#keys === loading) this.#keys = undefined
      })
    }
    return this.#keys
  }

  async #load(): Promise<readonly SigningKey[]> {
    const { keys: storage, algorithm } = this.#options
    const loaded = await storage.load()
    const now = this.#runtime.clock.now()
    if (!rotationDue(loaded, now, this.#rotation)) return loaded
    const candidate = newSigningKey(this.#runtime, algorithm)
    return storage.update(keys => rotated(keys, candidate, now, this.#rotation))
  }

  async #import(signer: SigningKey): Promise<CryptoKey> {
    if (this.#imported?.kid !== signer.kid) {
      const { importJWK } = await this.#runtime.native(import('jose/key/import'))
      const key = importJWK({ ...signer.privateJwk, kty: signer.publicJwk.kty }, signer.algorithm)
      this.#imported = { kid: signer.kid, key: this.#runtime.native(key as Promise<CryptoKey>) }
    }
    return this.#imported.key
  }
}

function positive(name: string, value: number): number {
  if (!(value > 0)) throw new RangeError(`${name} is ${value}; it must be more than 0.`)
  return value
}
