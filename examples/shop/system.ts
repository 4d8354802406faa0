/** The shop as one object. */
import { join } from 'node:path'
import { expose } from 'trellis/gateway'
import { system } from 'trellis/system'
import { Analytics } from './analytics/contract.ts'
import { analytics } from './analytics/service.ts'
import { Catalog } from './catalog/contract.ts'
import { catalog } from './catalog/service.ts'
import { Inventory } from './inventory/contract.ts'
import { inventory } from './inventory/service.ts'
import { Notifications } from './notifications/contract.ts'
import { notifications } from './notifications/service.ts'
import { Orders } from './orders/contract.ts'
import { orders } from './orders/service.ts'
import { Payments } from './payments/contract.ts'
import { payments } from './payments/service.ts'
import { roles } from './roles.ts'
import { Users } from './users/contract.ts'
import { users } from './users/service.ts'
import { AUDIENCE, ISSUER } from './users/tokens.ts'

export default system('shop', {
  services: [users, catalog, inventory, payments, orders, notifications, analytics],
  gateway: {
    title: 'Shop',
    routes: [
      expose(Users),
      expose(Catalog),
      expose(Inventory),
      expose(Orders),
      expose(Payments),
      expose(Notifications),
      expose(Analytics),
    ],
    site: { folder: join(import.meta.dirname, 'storefront') },
  },
  tokens: { issuer: ISSUER, audience: AUDIENCE, keys: { contract: Users, operation: 'keys' } },
  roles,
  companions: [{ name: 'provider', module: import.meta.resolve('./provider/main.ts'), setting: 'SHOP_PROVIDER_URL' }],
})
