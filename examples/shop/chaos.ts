// `npm run test:chaos -- [--orders N] [--kills N] [--seed N]`: the shop under kill -9, then its invariants as a table.
import { parseArgs } from 'node:util'
import { gatherEvidence } from './testing/evidence.ts'
import { stockAddsUp } from './testing/invariants.ts'
import { startShop } from './testing/start-shop.ts'

const { values } = parseArgs({
  options: {
    orders: { type: 'string', default: '2000' },
    kills: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
  },
})
await using shop = await startShop({ split: true, timeScale: 1 / 20 })
console.log(`${values.orders} orders, ${values.kills} kills, seed ${values.seed}`)
console.table([stockAddsUp(await gatherEvidence(shop.folder))])
