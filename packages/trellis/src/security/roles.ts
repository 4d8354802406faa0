/** Which permissions each role carries. `*` is every permission, `orders:*` every one of orders. */
export type RoleMap = Readonly<Record<string, readonly string[]>>

/** Roles as permissions. */
export interface Roles {
  /** What these roles permit together. Unknown roles permit nothing. */
  permissionsOf(roles: readonly string[]): ReadonlySet<string>
}

const PERMISSION = /^(\*|[a-z][a-z0-9-]*:(\*|[a-z][a-z0-9-]*))$/
/** Combinations of roles that are remembered: systems have a handful. */
const MAX_COMBINATIONS = 1_000

/**
 * Roles as data. A service's own name is the role `service:<name>`, so that what services may do by themselves is said in the same place.
 *
 * @example
 * const shop = roles({ clerk: ['catalog:write', 'orders:read'], admin: ['*'] })
 */
export function roles(map: RoleMap): Roles {
  for (const [role, permissions] of Object.entries(map)) {
    for (const permission of permissions) {
      if (PERMISSION.test(permission)) continue
      throw new TypeError(
        `Role ${role}: ${JSON.stringify(permission)} is not a permission; write thing:action, thing:* or *.`,
      )
    }
  }
  // Apart, and never joined by a separator: a role whose name holds it would be taken for two.
  const ofOne = new Map<string, ReadonlySet<string>>()
  const ofSeveral = new Map<string, ReadonlySet<string>>()
  const remembered = (known: Map<string, ReadonlySet<string>>, key: string, names: readonly string[]) => {
    let permissions = known.get(key)
    if (permissions === undefined) {
      permissions = permissionSet(names.flatMap(name => (Object.hasOwn(map, name) ? (map[name] ?? []) : [])))
      if (known.size >= MAX_COMBINATIONS) known.clear()
      known.set(key, permissions)
    }
    return permissions
  }
  return {
    permissionsOf: names =>
      names.length === 1
        ? remembered(ofOne, names[0] as string, names)
        : remembered(ofSeveral, JSON.stringify(names), names),
  }
}

/** A set whose `has` knows the wildcards, so that whoever asks `identity.permissions.has('orders:read')` gets the right answer for an administrator too. */
function permissionSet(permissions: readonly string[]): ReadonlySet<string> {
  const listed: ReadonlySet<string> = new Set(permissions)
  const set = new Set(permissions)
  if (!permissions.some(permission => permission.endsWith('*'))) return set
  set.has = permission =>
    listed.has(permission) || listed.has('*') || listed.has(`${permission.slice(0, permission.indexOf(':'))}:*`)
  return set
}
