import type { Runtime } from '../kernel/index.ts'
import { Fault } from '../kernel/index.ts'
import type { Transport } from '../rpc/index.ts'
import { createClient } from '../rpc/index.ts'
import type { JwkSet, TokenVerifier } from '../security/index.ts'
import { createTokenVerifier } from '../security/index.ts'
import type { Logger } from '../telemetry/index.ts'
import type { TokenOptions } from './system.ts'

/** Verifies users' tokens with the keys that the system's own operation gives; a system without users takes none. */
export function userVerifier(
  runtime: Runtime,
  tokens: TokenOptions | undefined,
  parts: { readonly transport: Transport; readonly cachePath: string; readonly logger: Logger },
): TokenVerifier {
  if (tokens === undefined) return NOBODY
  const { contract, operation } = tokens.keys
  if (contract.operations[operation] === undefined) {
    throw new TypeError(`tokens.keys: ${contract.name} has no operation "${operation}".`)
  }
  const client = createClient(runtime, contract, { transport: parts.transport }) as unknown as Asking
  return createTokenVerifier(runtime, {
    keys: () => client[operation]!({}),
    issuer: tokens.issuer,
    audience: tokens.audience,
    cachePath: parts.cachePath,
    logger: parts.logger,
  })
}

type Asking = Readonly<Record<string, (input: object) => Promise<JwkSet>>>

const NOBODY: TokenVerifier = {
  verify: () => {
    throw new Fault('unauthenticated', 'This system has no users; leave the authorization header out.', {
      reason: 'NO_USERS',
    })
  },
}
