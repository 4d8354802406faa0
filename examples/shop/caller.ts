import type { Context } from 'trellis/kernel'
import { Fault } from 'trellis/kernel'

/** The id of the signed-in user. `allow: 'signed-in'` has let only those through; without one the contract is wrong. */
export function callerOf(ctx: Context): string {
  if (ctx.identity?.kind !== 'user') {
    throw new Fault('permission_denied', 'This is for signed-in people; a service has no data of its own here.', {
      reason: 'NOT_A_PERSON',
    })
  }
  return ctx.identity.subject
}
