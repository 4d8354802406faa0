/** Products and categories, as rows. */
import type { Migration, Sql } from 'trellis/store'
import type { Product } from './contract.ts'

export const productMigrations: readonly Migration[] = [
  {
    name: '001-products',
    statements: ({ types }) => [
      `create table category (id ${types.key} primary key, name ${types.key} not null)`,
      `create table product (id ${types.key} primary key, name ${types.text} not null, description ${types.text} not null,
        category ${types.key} not null, amount ${types.integer} not null, currency ${types.key} not null,
        active ${types.integer} not null, version ${types.integer} not null, words ${types.text} not null)`,
      'create index product_by_category on product (category, id)',
    ],
  },
]

interface ProductRow {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly category: string
  readonly amount: number
  readonly currency: string
  readonly active: number
  readonly version: number
}

const COLUMNS = 'id, name, description, category, amount, currency, active, version'

function toProduct(row: ProductRow): Product {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    category: row.category,
    price: { amount: row.amount, currency: row.currency },
    active: row.active === 1,
  }
}

export async function findProduct(sql: Sql, id: string): Promise<Product | undefined> {
  const row = await sql.get<ProductRow>(`select ${COLUMNS} from product where id = ?`, id)
  return row === undefined ? undefined : toProduct(row)
}

/** Products with their revision; ids that are not there are left out. */
export async function findProducts(sql: Sql, ids: readonly string[]): Promise<(Product & { version: number })[]> {
  const found = []
  for (const id of new Set(ids)) {
    const row = await sql.get<ProductRow>(`select ${COLUMNS} from product where id = ?`, id)
    if (row !== undefined) found.push({ ...toProduct(row), version: row.version })
  }
  return found
}

/** What a list asks for. `after` is the last id of the page before. */
export interface ProductFilter {
  readonly category: string | undefined
  readonly words: readonly string[]
  readonly after: string
  readonly limit: number
}

/** Products for sale, by id. Every word of the search must occur in name or description, whatever its case. */
export async function listProducts(sql: Sql, filter: ProductFilter): Promise<Product[]> {
  const conditions = ['active = 1', 'id > ?']
  const values: (string | number)[] = [filter.after]
  if (filter.category !== undefined) {
    conditions.push('category = ?')
    values.push(filter.category)
  }
  for (const word of filter.words) {
    conditions.push("words like ? escape '!'")
    values.push(`%${word.replace(/[!%_]/g, '!$&')}%`)
  }
  const text = `select ${COLUMNS} from product where ${conditions.join(' and ')} order by id limit ?`
  const rows = await sql.all<ProductRow>(text, ...values, filter.limit)
  return rows.map(toProduct)
}

/** Lower case without accents, so that a search for `cafe` finds `Café`. */
export function toWords(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

/** Writes the whole product; its new revision and whether it is new. */
export async function putProduct(
  tx: Sql & {
    readonly dialect: { upsert(table: string, keys: readonly string[], columns: readonly string[]): string }
  },
  product: Product,
): Promise<{ version: number; created: boolean }> {
  const before = await tx.get<{ version: number }>('select version from product where id = ?', product.id)
  const version = (before?.version ?? 0) + 1
  await tx.run(
    tx.dialect.upsert(
      'product',
      ['id'],
      ['id', 'name', 'description', 'category', 'amount', 'currency', 'active', 'version', 'words'],
    ),
    product.id,
    product.name,
    product.description,
    product.category,
    product.price.amount,
    product.price.currency,
    product.active ? 1 : 0,
    version,
    toWords(`${product.name} ${product.description}`),
  )
  return { version, created: before === undefined }
}

export async function listCategories(sql: Sql): Promise<string[]> {
  return (await sql.all<{ id: string }>('select id from category order by id')).map(row => row.id)
}
