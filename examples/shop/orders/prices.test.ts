import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { createRuntime } from 'trellis/kernel'
import { openSqlite } from 'trellis/store/sqlite'
import { hearPrice, knownPrices, priceMigrations } from './prices.ts'

const folder = await mkdtemp(join(tmpdir(), 'trellis-prices-'))
const store = await openSqlite(createRuntime(), { path: join(folder, 'prices.db') })
await store.migrate('prices', priceMigrations)
after(async () => {
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const news = (productId: string, version: number, amount: number, active = true) => ({
  productId,
  version,
  active,
  price: { amount, currency: 'EUR' },
})

test('a product that was never heard of has no known price', async () => {
  const { prices, withdrawn } = await knownPrices(store.reader, ['p-unheard'])
  assert.equal(prices.size, 0)
  assert.deepEqual(withdrawn, [])
})

test('a product that is not for sale any more is withdrawn', async () => {
  await store.transaction(tx => hearPrice(tx, news('p-gone', 1, 100, false)))
  assert.deepEqual((await knownPrices(store.reader, ['p-gone'])).withdrawn, ['p-gone'])
})

test('in whatever order news comes, the newest revision stays', async () => {
  let product = 0
  const order = fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(order, async versions => {
      const id = `p-${product++}`
      for (const version of versions) await store.transaction(tx => hearPrice(tx, news(id, version, version * 10)))
      const { prices } = await knownPrices(store.reader, [id])
      assert.equal(prices.get(id)?.amount, Math.max(...versions) * 10)
    }),
    { numRuns: 30 },
  )
})
