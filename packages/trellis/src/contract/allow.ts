import type { Allow } from '../kernel/allow.ts'

const PERMISSION = /^[a-z][a-z0-9-]*(:[a-z][a-z0-9-]*)+$/

/**
 * Who owns the thing needs no permission, others do. The handler must call `ctx.authorize(ownerId)` before it answers.
 *
 * @example
 * unary({ input: OrderId, output: Order, allow: own('orders:read') })
 */
export function own(permission: string): Allow {
  return Object.freeze({ kind: 'own', permission: checkedPermission(permission) })
}

/** The normal form of what an operation was declared with. Throws a `TypeError` for what is no permission. */
export function toAllow(allow: string | Allow): Allow {
  if (allow === undefined || allow === null) {
    throw new TypeError(
      "An operation must say who may call it: allow 'public', 'signed-in', 'internal', a permission such as 'catalog:write', or own('orders:read').",
    )
  }
  if (typeof allow === 'object') {
    return 'permission' in allow
      ? Object.freeze({ kind: allow.kind, permission: checkedPermission(allow.permission) })
      : Object.freeze({ kind: allow.kind })
  }
  switch (allow) {
    case 'public':
    case 'signed-in':
    case 'internal':
      return Object.freeze({ kind: allow })
    default:
      return Object.freeze({ kind: 'permission', permission: checkedPermission(allow) })
  }
}

function checkedPermission(permission: string): string {
  if (typeof permission === 'string' && PERMISSION.test(permission)) return permission
  throw new TypeError(
    `'${permission}' is not a permission. Write 'what:action' in lower case, such as 'catalog:write', or one of 'public', 'signed-in', 'internal'.`,
  )
}
