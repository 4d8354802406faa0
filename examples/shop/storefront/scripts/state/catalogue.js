/** Products and their stock, as far as they have been looked at. */
import { get, withQuery } from '../net/api.js'
import { Problem } from '../net/problem.js'

/** The shelves of the shop. The API names a product's category by its id. */
export const categories = [
  { id: 'kitchen', name: 'Kitchen' },
  { id: 'garden', name: 'Garden' },
  { id: 'office', name: 'Office' },
  { id: 'audio', name: 'Audio' },
  { id: 'books', name: 'Books' },
  { id: 'outdoor', name: 'Outdoor' },
  { id: 'toys', name: 'Toys' },
  { id: 'home', name: 'Home' },
]

export function categoryName(id) {
  return categories.find(category => category.id === id)?.name ?? id
}

const products = new Map()

export async function findProducts({ category, q, cursor, limit }, signal) {
  const page = await get(withQuery('/products', { category, q, cursor, limit }), { signal })
  for (const product of page.items) products.set(product.id, product)
  return page
}

/** A product as it is now. */
export async function findProduct(id, signal) {
  const product = await get(`/products/${encodeURIComponent(id)}`, { signal })
  products.set(id, product)
  return product
}

/** What is known of a product, however old; looked up once when nothing is. Undefined when it can't be had: an order is readable without. */
export async function knownProduct(id, signal) {
  if (products.has(id)) return products.get(id)
  return findProduct(id, signal).catch(() => undefined)
}

/** How long a level of stock is believed. */
const FRESH_MS = 10_000
/** How long nobody is asked after one could not answer. */
const REST_MS = 5_000
/** At a time: browsers open six connections to one origin, and streams need some. */
const AT_ONCE = 3

const levels = new Map()
let restsUntil = 0
let asking = 0
const waiting = []

/**
 * How many of a product can be had; undefined when nobody knows. A shop whose stock can't be asked still sells.
 *
 * @param {string} productId
 * @param {AbortSignal} signal
 * @returns {Promise<number | undefined>}
 */
export async function available(productId, signal) {
  const known = levels.get(productId)
  if (known !== undefined && known.at > Date.now() - FRESH_MS) return known.available
  if (asking >= AT_ONCE) await new Promise(resolve => waiting.push(resolve))
  asking++
  try {
    if (signal.aborted || restsUntil > Date.now()) return undefined
    const stock = await get(`/stock/${encodeURIComponent(productId)}`, { signal, tries: 1 })
    levels.set(productId, { available: stock.available, at: Date.now() })
    return stock.available
  } catch (error) {
    if (error instanceof Problem && error.isOpen) restsUntil = Date.now() + REST_MS
    return undefined
  } finally {
    asking--
    waiting.shift()?.()
  }
}

/** Stock has moved: ask again. */
export function forgetStock() {
  levels.clear()
}
