import type { RoleMap } from 'trellis/security'

/** What each role may do beyond its own data. */
export const roles: RoleMap = {
  customer: [],
  clerk: ['inventory:write', 'catalog:write', 'orders:read', 'analytics:read'],
  admin: ['*'],
}
