import { raise } from 'trellis/contract'
import { respondWith } from 'trellis/rpc'
import type { ServiceContext, ServiceTransaction } from 'trellis/service'
import { implement, service } from 'trellis/service'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { seed } from '../seed/seed.ts'
import { DEFAULT_LIMIT } from '../shapes.ts'
import type { Product } from './contract.ts'
import { Catalog, ProductChanged, ProductNotFound, UnknownCategory } from './contract.ts'
import {
  findProduct,
  findProducts,
  listCategories,
  listProducts,
  productMigrations,
  putProduct,
  toWords,
} from './product.ts'

async function replace(tx: ServiceTransaction, product: Product): Promise<boolean> {
  const { version, created } = await putProduct(tx, product)
  const { id, name, price, active } = product
  await tx.publish(ProductChanged, { productId: id, name, price, active, version }, { key: id })
  return created
}

/** Fills an empty catalogue. */
async function seedCatalog(ctx: ServiceContext): Promise<void> {
  if ((await listCategories(ctx.read)).length > 0) return
  await ctx.transaction(async tx => {
    if ((await listCategories(tx)).length > 0) return
    for (const category of seed.categories) {
      await tx.run('insert into category (id, name) values (?, ?)', category.id, category.name)
    }
    for (const { stock: _, ...product } of seed.products) await replace(tx, { ...product, active: true })
  })
}

export const catalog = service('catalog', {
  capability: 'product-catalogue',
  owns: ['product', 'category', 'price'],
  publishes: [ProductChanged],
  migrations: productMigrations,
  start: seedCatalog,
  provides: [
    implement(Catalog, {
      async list({ category, q, cursor, limit = DEFAULT_LIMIT }, ctx) {
        const words = toWords(q ?? '')
          .split(/\s+/)
          .filter(Boolean)
        const after = cursor === undefined ? '' : decodeCursor(cursor)
        const items = await listProducts(ctx.read, { category, words, after, limit: limit + 1 })
        const last = items[limit - 1]
        return items.length > limit && last !== undefined
          ? { items: items.slice(0, limit), nextCursor: encodeCursor(last.id) }
          : { items }
      },

      async get({ productId }, ctx) {
        const product = await findProduct(ctx.read, productId)
        if (product === undefined) throw raise(ProductNotFound, { details: { productId } })
        return product
      },

      async put({ productId, ...fields }, ctx) {
        const product = { id: productId, ...fields }
        const created = await ctx.transaction(async tx => {
          const categories = await listCategories(tx)
          if (!categories.includes(product.category))
            throw raise(UnknownCategory, { details: { category: product.category, categories } })
          return replace(tx, product)
        })
        respondWith(ctx, created ? 201 : 200)
        return product
      },

      async getMany({ productIds }, ctx) {
        return { products: await findProducts(ctx.read, productIds) }
      },
    }),
  ],
})
