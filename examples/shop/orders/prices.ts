/** The prices that orders has heard of, to tell at checkout whether one has changed since an item was added. */
import type { Dialect, Migration, Sql } from 'trellis/store'
import type { Money } from '../shapes.ts'

export const priceMigrations: readonly Migration[] = [
  {
    name: '001-prices',
    statements: ({ types }) => [
      `create table price (product_id ${types.key} primary key, amount ${types.integer} not null, currency ${types.key} not null,
        active ${types.integer} not null, version ${types.integer} not null)`,
    ],
  },
]

/** What catalog says of a product, at one of its revisions. */
export interface PriceNews {
  readonly productId: string
  readonly price: Money
  readonly active: boolean
  readonly version: number
}

/** Keeps the newest: news may come late, after a later revision was read from catalog. */
export async function hearPrice(tx: Sql & { readonly dialect: Dialect }, news: PriceNews): Promise<void> {
  const known = await tx.get<{ version: number }>('select version from price where product_id = ?', news.productId)
  if (known !== undefined && known.version >= news.version) return
  await tx.run(
    tx.dialect.upsert('price', ['product_id'], ['product_id', 'amount', 'currency', 'active', 'version']),
    news.productId,
    news.price.amount,
    news.price.currency,
    news.active ? 1 : 0,
    news.version,
  )
}

/** The known prices of products, and which of them are not for sale any more. */
export async function knownPrices(
  sql: Sql,
  productIds: readonly string[],
): Promise<{ readonly prices: ReadonlyMap<string, Money>; readonly withdrawn: readonly string[] }> {
  const prices = new Map<string, Money>()
  const withdrawn: string[] = []
  for (const id of productIds) {
    const row = await sql.get<{ amount: number; currency: string; active: number }>(
      'select amount, currency, active from price where product_id = ?',
      id,
    )
    if (row === undefined) continue
    prices.set(id, { amount: row.amount, currency: row.currency })
    if (row.active === 0) withdrawn.push(id)
  }
  return { prices, withdrawn }
}
