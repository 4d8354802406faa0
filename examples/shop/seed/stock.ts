import type { ServiceContext } from 'trellis/service'
import { adjust, stockOf } from '../inventory/stock.ts'
import { seed } from './seed.ts'

/** Puts the first stock on the shelves. Repeatable: a product whose stock is kept already is left alone. */
export async function seedStock(ctx: ServiceContext): Promise<void> {
  const missing: (typeof seed.products)[number][] = []
  for (const product of seed.products) if ((await stockOf(ctx.read, product.id)) === undefined) missing.push(product)
  if (missing.length === 0) return
  await ctx.transaction(async tx => {
    for (const product of missing) {
      if ((await stockOf(tx, product.id)) !== undefined) continue
      const change = {
        id: `seed-${product.id}`,
        productId: product.id,
        delta: product.stock,
        reason: 'first stock',
        actor: 'inventory',
      }
      await adjust(tx, change)
    }
  })
}
