import { Fault, isFault } from '../kernel/fault.ts'

/** The reasons for which a token is refused. */
export type TokenProblem =
  | 'TOKEN_MALFORMED'
  | 'TOKEN_TOO_LARGE'
  | 'TOKEN_ALGORITHM_REFUSED'
  | 'TOKEN_KEY_UNKNOWN'
  | 'TOKEN_SIGNATURE_INVALID'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_NOT_YET_VALID'
  | 'TOKEN_CLAIMS_REFUSED'

const MESSAGES: Readonly<Record<TokenProblem, string>> = {
  TOKEN_MALFORMED: 'The token is not a signed JWT of the expected kind; sign in and send the token as it was given.',
  TOKEN_TOO_LARGE: 'The token is larger than 8,192 characters; sign in again.',
  TOKEN_ALGORITHM_REFUSED: 'The token is signed with an algorithm that is not accepted here; sign in again.',
  TOKEN_KEY_UNKNOWN: 'The token is signed with a key that is not, or no longer, known; sign in again.',
  TOKEN_SIGNATURE_INVALID: 'The signature of the token does not fit; sign in again.',
  TOKEN_EXPIRED: 'The token has expired; sign in again.',
  TOKEN_NOT_YET_VALID: 'The token is not valid yet; check the clocks of the machines.',
  TOKEN_CLAIMS_REFUSED: 'The token was made for something else; sign in here.',
}

/** The fault of a token that is no good. */
export function tokenFault(problem: TokenProblem, cause?: unknown): Fault {
  return new Fault('unauthenticated', MESSAGES[problem], { reason: problem, cause })
}

/** The fault of a verifier that can't know: it must never look like a bad token, or an outage would sign everybody out. */
export function keysUnavailable(cause?: unknown): Fault {
  return new Fault('unavailable', 'The keys that verify tokens can not be had at the moment; try again shortly.', {
    reason: 'KEYS_UNAVAILABLE',
    retryAfterMs: 1_000,
    cause,
  })
}

/** What jose threw, as a fault. Faults of the key lookup stay as they are. */
export function fromJose(error: unknown): Fault {
  if (isFault(error)) return error
  const { code, claim } = error as { code?: string; claim?: string }
  switch (code) {
    case 'ERR_JWT_EXPIRED':
      return tokenFault('TOKEN_EXPIRED', error)
    case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
      return tokenFault(claim === 'nbf' || claim === 'iat' ? 'TOKEN_NOT_YET_VALID' : 'TOKEN_CLAIMS_REFUSED', error)
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return tokenFault('TOKEN_SIGNATURE_INVALID', error)
    case 'ERR_JOSE_ALG_NOT_ALLOWED':
      return tokenFault('TOKEN_ALGORITHM_REFUSED', error)
    default:
      return tokenFault('TOKEN_MALFORMED', error)
  }
}
