import { type Attribute, attribute, type Context } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'

/** What the authorisation of a call under `own(permission)` knows. @internal */
export interface OwnershipState {
  readonly permission: string
  /** What a caller sees of a thing that is not theirs. */
  readonly foreign: 'not_found' | 'permission_denied'
  checked: boolean
}

/** Set by `authorize` for operations under `own(permission)`. @internal */
export const ownership: Attribute<OwnershipState | undefined> = attribute('trellis.security.ownership')

/**
 * Says whose thing it is, under `allow: own(permission)`: throws unless the caller is the owner or has the permission. Must be called before the operation answers, or its answer
 * is withheld. What is not the caller's is `not_found`, as what does not exist: pass as `missing` the fault that the handler throws for an unknown id, or
 * the difference between the two tells which ids exist.
 */
export function authorizeOwner(ctx: Context, ownerId: string | undefined, missing?: () => Fault): void {
  const state = ctx.get(ownership)
  if (state === undefined) {
    throw new Fault(
      'internal',
      'authorize was called in an operation that is not declared with allow: own(permission).',
      {
        reason: 'OWNERSHIP_NOT_DECLARED',
      },
    )
  }
  state.checked = true
  const { identity } = ctx
  if (identity?.kind === 'user' && identity.subject !== '' && identity.subject === ownerId) return
  if (identity?.permissions.has(state.permission) === true) return
  if (state.foreign === 'not_found') {
    throw missing?.() ?? new Fault('not_found', 'There is no such thing; check its id.', { reason: 'NOT_FOUND' })
  }
  throw new Fault('permission_denied', `This belongs to someone else; the permission ${state.permission} is needed.`, {
    reason: 'PERMISSION_REQUIRED',
    details: { permission: state.permission },
  })
}

/** The fault in place of an answer whose handler never said whose thing it is. @internal */
export function ownershipUnchecked(target: string): Fault {
  return new Fault(
    'internal',
    `${target} is declared with allow: own(permission) and answered without a call of authorize(ownerId); the answer was withheld.`,
    { reason: 'OWNERSHIP_UNCHECKED' },
  )
}
