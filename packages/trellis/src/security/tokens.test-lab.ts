import assert from 'node:assert/strict'
import { importJWK, SignJWT } from 'jose'
import { createVirtualRuntime } from '../testing/index.ts'
import { memoryKeys } from './key-storage.ts'
import type { TokenVerifier } from './security.ts'
import type { SigningKey } from './signing-key.ts'
import { createTokenIssuer, type TokenIssuer, type TokenIssuerOptions } from './token-issuer.ts'
import { createTokenVerifier, type TokenVerifierOptions } from './token-verifier.ts'

/** An issuer and verifiers of its keys under virtual time; each test makes its own. */
export class TokenLab {
  readonly runtime = createVirtualRuntime({ seed: 1 })
  /** What the verifiers' keys come from; the last issuer made, unless a test sets something else. */
  source: () => Promise<{ readonly keys: readonly unknown[] }> = async () => ({ keys: [] })
  /** How often verifiers fetched keys. */
  fetches = 0

  issuer(options: Partial<TokenIssuerOptions> = {}): TokenIssuer {
    const issuer = createTokenIssuer(this.runtime, {
      keys: memoryKeys(),
      issuer: 'shop',
      audience: 'shop',
      ...options,
    })
    this.source = () => issuer.jwks()
    return issuer
  }

  verifier(options: Partial<TokenVerifierOptions> = {}): TokenVerifier {
    const keys = (): ReturnType<typeof this.source> => {
      this.fetches++
      return this.source()
    }
    return createTokenVerifier(this.runtime, { keys, issuer: 'shop', audience: 'shop', ...options })
  }

  /** Any promise under virtual time. */
  run<T>(work: T | Promise<T>): Promise<T> {
    return this.runtime.run(Promise.resolve(work))
  }

  refused(verifier: TokenVerifier, token: string, reason: string, code = 'unauthenticated'): Promise<void> {
    return this.run(assert.rejects(Promise.resolve(verifier.verify(token)), { name: 'Fault', code, reason }))
  }

  /** A token as somebody else would make it: every part can be wrong. */
  async forge(key: SigningKey, header: object = {}, claims: object = {}): Promise<string> {
    const now = Math.floor(this.runtime.clock.now() / 1000)
    const payload = { iss: 'shop', aud: 'shop', sub: 'u-1', iat: now, exp: now + 3600, ...claims }
    const imported = importJWK({ ...key.privateJwk, kty: key.publicJwk.kty }, key.algorithm)
    const jwt = new SignJWT(JSON.parse(JSON.stringify(payload)))
    jwt.setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: 'at+jwt', ...header })
    return this.runtime.native(jwt.sign(await this.runtime.native(imported)))
  }
}
