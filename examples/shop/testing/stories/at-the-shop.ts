/** What the stories of the shop share: who is there, and what a refusal looks like. */
import assert from 'node:assert/strict'
import type { Answer, Json } from '../shop-client.ts'
import { expecting, ShopClient } from '../shop-client.ts'
import type { Shop } from '../start-shop.ts'

/** A running shop with its people. All have signed in before the first story, so that one about failed sign-ins keeps nobody out. */
export interface Scene {
  readonly shop: Shop
  readonly visitor: ShopClient
  readonly customer: ShopClient
  readonly stranger: ShopClient
  readonly clerk: ShopClient
  readonly admin: ShopClient
}

/** Lets the people in; a shop where that fails is closed again. */
export async function open(shop: Shop): Promise<Scene> {
  try {
    return await letIn(shop)
  } catch (error) {
    await shop[Symbol.asyncDispose]()
    throw error
  }
}

async function letIn(shop: Shop): Promise<Scene> {
  const person = (): ShopClient => new ShopClient(shop.url)
  const scene = {
    shop,
    visitor: person(),
    customer: person(),
    stranger: person(),
    clerk: person(),
    admin: person(),
  }
  await scene.customer.register()
  await scene.stranger.register()
  await scene.clerk.signIn(shop.accounts.clerk)
  await scene.admin.signIn(shop.accounts.admin)
  return scene
}

/** That an answer is a refusal: its status, code and reason, as a problem document that says what to do. */
export function refused(answer: Answer, status: number, code: string, reason?: string): Json {
  const { body, headers } = answer
  const seen = `${answer.status} ${JSON.stringify(body)}`
  assert.equal(answer.status, status, seen)
  assert.equal(headers.get('content-type'), 'application/problem+json', seen)
  assert.equal(body.code, code, seen)
  assert.equal(body.status, status, seen)
  assert.match(body.reason, /^[A-Z][A-Z0-9_]*$/, seen)
  if (reason !== undefined) assert.equal(body.reason, reason, seen)
  assert(typeof body.detail === 'string' && body.detail.length > 10, seen)
  assert(!/\bat .*\.ts:\d+/.test(JSON.stringify(body)), `a stack trace left the shop: ${seen}`)
  return body
}

/** That an object has these members and no others; those that end with `?` may be missing. */
export function shaped(value: Json, ...members: readonly string[]): void {
  const optional = members.flatMap(name => (name.endsWith('?') ? [name.slice(0, -1)] : []))
  const required = members.filter(name => !name.endsWith('?'))
  const present = Object.keys(value)
  assert.deepEqual(
    present.filter(name => !optional.includes(name)).sort(),
    required.toSorted(),
    `members of ${JSON.stringify(value)}`,
  )
}

/** RFC 3339 in UTC. */
export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

let made = 0

/** Puts a product on sale that no other story touches. */
export async function product(
  scene: Scene,
  { stock = 100, price = 1_000, currency = 'EUR' }: { stock?: number; price?: number; currency?: string } = {},
): Promise<string> {
  const productId = `story-${made++}`
  expecting(201, await scene.clerk.put(`/products/${productId}`, details({ price: { amount: price, currency } })))
  if (stock > 0) {
    expecting(200, await scene.clerk.post(`/stock/${productId}/adjustments`, { delta: stock, reason: 'delivery' }))
  }
  return productId
}

/** A product as it is put. */
export function details(change: object = {}): Json {
  return {
    name: 'Story lamp',
    description: 'A lamp for a story.',
    category: 'kitchen',
    price: { amount: 1_000, currency: 'EUR' },
    active: true,
    ...change,
  }
}

/** Looks until it is there: for what follows later, such as the news of other services. */
export async function eventually<T>(look: () => Promise<T | undefined>, timeoutMs = 10_000): Promise<T> {
  const end = Date.now() + timeoutMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > end) throw new Error('It did not come in time.')
    await new Promise(resolve => setTimeout(resolve, 25))
  }
}
