import { Fault } from '../kernel/fault.ts'
import type { Identity } from '../kernel/identity.ts'
import type { Headers } from '../wire/exchange.ts'
import { type Roles, roles as roleMap } from './roles.ts'
import type { Identify, TokenVerifier, VerifiedToken } from './security.ts'

/** Header that carries a service's own token beside the user's `authorization`. */
export const SERVICE_TOKEN_HEADER = 'trellis-service-token'

/** Options of identification. */
export interface IdentifyOptions {
  /** Verifies `authorization: Bearer`. */
  readonly users: TokenVerifier
  /**
   * Verifies `trellis-service-token`. Leave it out at the edge, where a caller is never a service: the header is then ignored.
   */
  readonly services?: TokenVerifier
  /** What the roles in tokens permit. Default: nothing. */
  readonly roles?: Roles
}

const SCHEME = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i
const BEARER = 'Bearer '
const NO_ROLES = roleMap({})

/**
 * Reads who asks: a user by their bearer token, a service by its own, both when a service passes a user's call on (`via`), nobody when neither is there. Credentials that
 * are presented must be good: a bad token is `unauthenticated`, never anonymous.
 */
export function identify(options: IdentifyOptions): Identify {
  const { users, services, roles = NO_ROLES } = options
  return headers => {
    const bearer = bearerToken(headers)
    const own = services === undefined ? undefined : single(headers, SERVICE_TOKEN_HEADER)
    if (bearer === undefined && own === undefined) return undefined
    const user = bearer === undefined ? undefined : users.verify(bearer)
    const service = own === undefined ? undefined : (services as TokenVerifier).verify(own)
    if (user instanceof Promise || service instanceof Promise) {
      return Promise.all([user, service]).then(([asUser, asService]) => toIdentity(asUser, bearer, asService, roles))
    }
    return toIdentity(user, bearer, service, roles)
  }
}

/** The identity under which a service's call arrives when no bytes lie between: its own, or the user's for whom it calls, marked with its name. */
export function throughService(identity: Identity | undefined, service: string, roles: Roles = NO_ROLES): Identity {
  return identity?.kind === 'user' ? { ...identity, via: service } : asService(service, undefined, roles)
}

function toIdentity(
  user: VerifiedToken | undefined,
  token: string | undefined,
  service: VerifiedToken | undefined,
  roles: Roles,
): Identity | undefined {
  if (user === undefined) {
    return service === undefined ? undefined : asService(service.subject, service.expiresAt, roles)
  }
  const identity = {
    kind: 'user' as const,
    subject: user.subject,
    roles: user.roles,
    permissions: roles.permissionsOf(user.roles),
    token: token as string,
    expiresAt: user.expiresAt,
  }
  return service === undefined ? identity : { ...identity, via: service.subject }
}

function asService(name: string, expiresAt: number | undefined, roles: Roles): Identity {
  const own = [`service:${name}`]
  const identity = { kind: 'service' as const, subject: name, roles: own, permissions: roles.permissionsOf(own) }
  return expiresAt === undefined ? identity : { ...identity, expiresAt }
}

function bearerToken(headers: Headers): string | undefined {
  const value = single(headers, 'authorization')
  if (value === undefined) return undefined
  if (value.startsWith(BEARER) && !value.includes(' ', BEARER.length)) return value.slice(BEARER.length)
  const match = SCHEME.exec(value)
  if (match !== null) return match[1]
  throw new Fault('unauthenticated', 'The authorization header is not of the form Bearer <token>.', {
    reason: 'AUTHORIZATION_MALFORMED',
  })
}

/** The one value of a header. Two would be read differently by two parsers, so two are refused. */
function single(headers: Headers, name: string): string | undefined {
  let found: string | undefined
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] !== name) continue
    if (found !== undefined) {
      throw new Fault('unauthenticated', `The header ${name} was sent twice; send it once.`, {
        reason: 'AUTHORIZATION_MALFORMED',
      })
    }
    found = headers[index + 1]
  }
  return found
}
