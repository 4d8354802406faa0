import type { Allow } from '../kernel/allow.ts'
import type { Context } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { Handler, Middleware, Target } from '../kernel/handler.ts'
import type { Identity } from '../kernel/identity.ts'
import { replayed } from '../kernel/replayed.ts'
import { guardedStream, isStream } from './guarded-stream.ts'
import { type OwnershipState, ownership, ownershipUnchecked } from './ownership.ts'

/** Options of authorisation. */
export interface AuthorizeOptions {
  /**
   * What a caller sees of a thing that is not theirs, under `own`. Default `not_found`: the difference to `permission_denied` tells which ids exist.
   */
  readonly foreign?: 'not_found' | 'permission_denied'
  /** Services that stand at the edge and pass on what anybody sends: a call through them is not an internal one. Default `['gateway']`. */
  readonly edges?: readonly string[]
}

/**
 * Enforces `allow` on servers and routes; other targets pass. What does not say who may call is refused to everybody. Decides by `ctx.identity` alone, which whoever
 * received the call has verified.
 */
export function authorize(options: AuthorizeOptions = {}): Middleware {
  const { foreign = 'not_found', edges = ['gateway'] } = options
  return <I, O>(next: Handler<I, O>, target: Target): Handler<I, O> => {
    if (target.kind !== 'server' && target.kind !== 'route') return next
    const name = `${target.name}/${target.operation}`
    const { allow } = target
    if (allow?.kind === 'own') {
      return target.kind === 'route' ? signedIn(next) : owned(next, name, allow.permission, foreign)
    }
    return async (input, ctx) => {
      const refusal = refusalOf(allow, ctx.identity, edges, name)
      if (refusal !== undefined) throw refusal
      forgetOwnership(ctx)
      return next(input, ctx)
    }
  }
}

function refusalOf(
  allow: Exclude<Allow, { kind: 'own' }> | undefined,
  identity: Identity | undefined,
  edges: readonly string[],
  name: string,
): Fault | undefined {
  switch (allow?.kind) {
    case 'public':
      return undefined
    case 'signed-in':
      if (identity === undefined) return signInRequired()
      return identity.kind === 'user' ? undefined : userRequired(name)
    case 'permission':
      if (identity === undefined) return signInRequired()
      return identity.permissions.has(allow.permission) ? undefined : permissionRequired(name, allow.permission)
    case 'internal':
      return isInternal(identity, edges) ? undefined : internalOnly(identity, name)
    default:
      // Also what a newer contract may say: unknown is not allowed.
      return new Fault('permission_denied', `${name} does not say who may call it, so nobody may.`, {
        reason: 'NOT_EXPOSED',
      })
  }
}

function owned<I, O>(
  next: Handler<I, O>,
  name: string,
  permission: string,
  foreign: OwnershipState['foreign'],
): Handler<I, O> {
  return async (input, ctx) => {
    if (ctx.identity === undefined) throw signInRequired()
    const state: OwnershipState = { permission, foreign, checked: false }
    ctx.set(ownership, state)
    const output = await next(input, ctx)
    if (isStream(output))
      return guardedStream(output, () => (state.checked ? undefined : ownershipUnchecked(name))) as O
    // An answer that is given again was authorised when this same caller got it first; no handler ran that could ask.
    if (!state.checked && ctx.get(replayed) !== true) throw ownershipUnchecked(name)
    return output
  }
}

/** Whose a thing is only the service behind a route can tell. */
function signedIn<I, O>(next: Handler<I, O>): Handler<I, O> {
  return async (input, ctx) => {
    if (ctx.identity === undefined) throw signInRequired()
    return next(input, ctx)
  }
}

/** The state of a call above in the same process must not count for this one. */
function forgetOwnership(ctx: Context): void {
  if (ctx.get(ownership) !== undefined) ctx.set(ownership, undefined)
}

function isInternal(identity: Identity | undefined, edges: readonly string[]): boolean {
  if (identity === undefined) return false
  const service = identity.kind === 'service' ? identity.subject : identity.via
  return service !== undefined && !edges.includes(service)
}

function internalOnly(identity: Identity | undefined, name: string): Fault {
  if (identity === undefined) return signInRequired()
  return new Fault('permission_denied', `${name} is for other services of the system alone.`, {
    reason: 'INTERNAL_ONLY',
  })
}

function signInRequired(): Fault {
  return new Fault('unauthenticated', 'Sign in, and send the token as authorization: Bearer <token>.', {
    reason: 'SIGN_IN_REQUIRED',
  })
}

function userRequired(name: string): Fault {
  return new Fault(
    'permission_denied',
    `${name} acts for a signed-in user; a service by itself is none. Pass the user's token on.`,
    {
      reason: 'USER_REQUIRED',
    },
  )
}

function permissionRequired(name: string, permission: string): Fault {
  return new Fault('permission_denied', `${name} needs the permission ${permission}; ask an administrator for it.`, {
    reason: 'PERMISSION_REQUIRED',
    details: { permission },
  })
}
