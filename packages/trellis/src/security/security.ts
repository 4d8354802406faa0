/** Who asks, and how that is known: tokens, keys, permissions. */
import type { Identity } from '../kernel/identity.ts'
import type { Headers } from '../wire/exchange.ts'

/** Signature algorithms: EdDSA with Ed25519 (RFC 8037), ECDSA with P-256 (RFC 7518). RS256 only for tokens of other issuers. */
export type SignatureAlgorithm = 'EdDSA' | 'ES256' | 'RS256'

/** A public key as JSON (RFC 7517). */
export interface PublicJwk {
  readonly kty: string
  readonly kid: string
  readonly alg: SignatureAlgorithm
  readonly use: 'sig'
  readonly crv?: string
  readonly x?: string
  readonly y?: string
  readonly n?: string
  readonly e?: string
}

/** A set of public keys (RFC 7517, section 5), as `/.well-known/jwks.json` answers it. */
export interface JwkSet {
  readonly keys: readonly PublicJwk[]
}

/** What a token said, once it was verified. The same object for the same token as long as it is cached. */
export interface VerifiedToken {
  /** `sub`: who the token is about. */
  readonly subject: string
  /** `roles`, when it is a list of strings; else none. */
  readonly roles: readonly string[]
  /** All claims. */
  readonly claims: Readonly<Record<string, unknown>>
  /** `exp`, milliseconds since 1970. */
  readonly expiresAt: number
  /** The key that signed it. */
  readonly keyId: string
}

/** Verifies tokens of one issuer for one audience. */
export interface TokenVerifier {
  /**
   * What the token says: at once when it is known, else a promise. Fails with `unauthenticated` and one of the `TOKEN_*` reasons, or with
   * `unavailable` / `KEYS_UNAVAILABLE` while it can't be known.
   */
  verify(token: string): VerifiedToken | Promise<VerifiedToken>
}

/** Reads who asks from the headers of a request; undefined: nobody in particular. Fails with `unauthenticated` when credentials are presented and no good. */
export type Identify = (headers: Headers) => Identity | undefined | Promise<Identity | undefined>
