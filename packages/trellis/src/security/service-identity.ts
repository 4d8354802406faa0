import type { Runtime } from '../kernel/runtime.ts'
import type { Logger } from '../telemetry/telemetry.ts'
import type { KeyStorage } from './key-storage.ts'
import type { TokenVerifier } from './security.ts'
import { createTokenIssuer, type TokenIssuer } from './token-issuer.ts'
import { createTokenVerifier } from './token-verifier.ts'

const ISSUER = 'trellis:system'
const AUDIENCE = 'trellis:service'
/** Its own `typ`: a user's token can't pass for a service's, nor the other way round, even if the keys were the same. */
const TYPE = 'trellis-service+jwt'

/** Options of a service's identity. */
export interface ServiceIdentityOptions {
  /** Name of the service. */
  readonly service: string
  /**
   * The key of the system, which all its processes share: whoever holds it may speak as any of its services. The supervisor makes it before it starts the others (`prepareSystemKey`).
   */
  readonly keys: KeyStorage
  /** How long a token lives, in milliseconds. Default 300,000: a token that leaks is soon worth nothing. */
  readonly lifetimeMs?: number
  readonly logger?: Logger
}

/** Who a service is, to other services. */
export interface ServiceIdentity {
  readonly service: string
  /** The current token for the header `trellis-service-token`: at once while one is good, else a promise. Renewed in the background before it ends. */
  token(): string | Promise<string>
}

/** Makes the identity that a service presents on its calls. Signing happens once per token's life, not per call. */
export function createServiceIdentity(runtime: Runtime, options: ServiceIdentityOptions): ServiceIdentity {
  const { service, keys, lifetimeMs = 300_000, logger } = options
  if (!(lifetimeMs > 0)) throw new RangeError(`lifetimeMs is ${lifetimeMs}; it must be more than 0.`)
  const issuer = systemIssuer(runtime, keys, lifetimeMs)
  let token: string | undefined
  let renewAt = 0
  let endsAt = 0
  let renewing: Promise<string> | undefined
  const renew = async (): Promise<string> => {
    const issued = await issuer.issue({ subject: service })
    token = issued.token
    endsAt = issued.expiresAt
    renewAt = endsAt - lifetimeMs / 2
    return token
  }
  const renewOnce = (): Promise<string> => {
    renewing ??= renew().finally(() => {
      renewing = undefined
    })
    return renewing
  }
  return {
    service,
    token() {
      const now = runtime.clock.now()
      if (token === undefined || now >= endsAt) return renewOnce()
      if (now >= renewAt) {
        renewOnce().catch(error => {
          // The old token is good for half its life still; the next call tries again.
          logger?.log('warn', 'the token of the service could not be renewed', { service }, undefined, error)
        })
      }
      return token
    },
  }
}

/** Verifies the tokens that services of the same system present. `cachePath` is not needed: the key is on this machine. */
export function createServiceVerifier(runtime: Runtime, keys: KeyStorage, logger?: Logger): TokenVerifier {
  return createTokenVerifier(runtime, {
    keys: async () => ({ keys: (await keys.load()).map(key => key.publicJwk) }),
    issuer: ISSUER,
    audience: AUDIENCE,
    type: TYPE,
    ...(logger === undefined ? {} : { logger }),
  })
}

/** Makes the system's key when there is none yet. To be awaited by the supervisor, before any process of the system starts: two processes that each make one would not know each other's. */
export async function prepareSystemKey(runtime: Runtime, keys: KeyStorage): Promise<void> {
  await systemIssuer(runtime, keys, 300_000).jwks()
}

function systemIssuer(runtime: Runtime, keys: KeyStorage, lifetimeMs: number): TokenIssuer {
  // The key stays: replacing it under running processes would need what this key is there to provide.
  const rotateEveryMs = Number.POSITIVE_INFINITY
  return createTokenIssuer(runtime, { keys, issuer: ISSUER, audience: AUDIENCE, type: TYPE, lifetimeMs, rotateEveryMs })
}
