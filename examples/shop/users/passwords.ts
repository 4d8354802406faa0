import { createPasswordHasher, createThrottle, createTokenIssuer } from 'trellis/security'
import { resource } from 'trellis/service'
import { storedKeys } from './session-keys.ts'
import { AUDIENCE, ISSUER } from './tokens.ts'

/** Hashes and checks passwords beside the service. */
export const passwords = resource(
  'passwords',
  env => createPasswordHasher(env.runtime),
  hasher => hasher[Symbol.asyncDispose](),
)

/** Slows guessing down: more than ten failures in five minutes for an account or an address. */
export const failures = resource('failures', env => createThrottle(env.store, { limit: 10, windowMs: 5 * 60_000 }))

/** Signs the tokens of the shop. */
export const tokens = resource('tokens', env =>
  createTokenIssuer(env.runtime, { keys: storedKeys(env.store), issuer: ISSUER, audience: AUDIENCE }),
)
