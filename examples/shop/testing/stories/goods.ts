import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expecting, type Json } from '../shop-client.ts'
import { details, product, refused, type Scene, shaped } from './at-the-shop.ts'

/** Products and stock. */
export function goods(at: () => Scene): void {
  test('the catalogue of a new shop has 200 products in 8 categories, paged by 20', async () => {
    const { visitor } = at()
    const first = expecting(200, await visitor.get('/products'))
    assert.equal(first.items.length, 20)
    shaped(first.items[0], 'id', 'name', 'description', 'category', 'price', 'active')
    shaped(first.items[0].price, 'amount', 'currency')
    const all = (await visitor.all('/products')).filter(({ id }: Json) => id.startsWith('p-'))
    assert.equal(new Set(all.map(({ id }: Json) => id)).size, 200)
    assert.equal(new Set(all.map(({ category }: Json) => category)).size, 8)
  })

  test('a page has as many as are asked for, up to 100, and the last one has no cursor', async () => {
    const { visitor } = at()
    assert.equal(expecting(200, await visitor.get('/products?limit=100')).items.length, 100)
    for (const limit of ['0', '101', '-1', '1.5', 'x', ''])
      refused(await visitor.get(`/products?limit=${limit}`), 400, 'invalid_argument')
    refused(await visitor.get('/products?cursor=%21'), 400, 'invalid_argument')
    const few = expecting(200, await visitor.get('/products?q=zzzzzzzz'))
    assert.deepEqual(few, { items: [] })
  })

  test('products are found by category and by words, whatever their case', async () => {
    const { visitor } = at()
    const kitchen = expecting(200, await visitor.get('/products?category=kitchen')).items
    assert(kitchen.length > 0 && kitchen.every((item: Json) => item.category === 'kitchen'))
    const found = expecting(200, await visitor.get('/products?q=SKILLET')).items
    assert(found.some((item: Json) => item.id === 'p-001'))
    const one = expecting(200, await visitor.get('/products?q=skillet%20iron&category=kitchen')).items
    assert.deepEqual(
      one.map((item: Json) => item.id),
      ['p-001'],
    )
    assert.deepEqual(expecting(200, await visitor.get('/products?q=%25')).items.length, 0)
  })

  test('a product is put whole: 201 when it is new, 200 when it replaces one', async () => {
    const { clerk, visitor } = at()
    const path = `/products/put-${at().shop.url.slice(-5)}`
    const made = expecting(201, await clerk.put(path, details()))
    shaped(made, 'id', 'name', 'description', 'category', 'price', 'active')
    const replaced = expecting(200, await clerk.put(path, details({ name: 'Other lamp' })))
    assert.equal(replaced.name, 'Other lamp')
    assert.deepEqual(expecting(200, await visitor.get(path)), replaced)
    const { description: _, ...partial } = details()
    refused(await clerk.put(path, partial), 400, 'invalid_argument')
    refused(await clerk.put(path, details({ category: 'nowhere' })), 409, 'failed_precondition', 'UNKNOWN_CATEGORY')
    assert.deepEqual(expecting(200, await visitor.get(path)), replaced)
  })

  test('only those who may write the catalogue do', async () => {
    const { customer, visitor, admin } = at()
    refused(await customer.put('/products/p-001', details()), 403, 'permission_denied')
    refused(await visitor.put('/products/p-001', details()), 401, 'unauthenticated')
    expecting(201, await admin.put(`/products/admin-${at().shop.url.slice(-5)}`, details()))
  })

  test('what is not for sale is not listed, and an unknown product is not found', async () => {
    const { clerk, visitor } = at()
    const productId = await product(at())
    expecting(200, await clerk.put(`/products/${productId}`, details({ active: false, name: 'Hidden lamp' })))
    assert.equal(expecting(200, await visitor.get('/products?q=hidden%20lamp')).items.length, 0)
    assert.equal(expecting(200, await visitor.get(`/products/${productId}`)).active, false)
    refused(await visitor.get('/products/p-nothing'), 404, 'not_found', 'PRODUCT_NOT_FOUND')
  })

  test('stock is on hand, reserved and available, for everybody to see', async () => {
    const stock = expecting(200, await at().visitor.get('/stock/p-001'))
    shaped(stock, 'productId', 'onHand', 'reserved', 'available')
    assert.equal(stock.available, stock.onHand - stock.reserved)
    refused(await at().visitor.get('/stock/p-nothing'), 404, 'not_found', 'STOCK_NOT_FOUND')
  })

  test('an adjustment acts once for one key, and its key is good for no other', async () => {
    const { clerk } = at()
    const productId = await product(at(), { stock: 5 })
    const path = `/stock/${productId}/adjustments`
    const key = `delivery-${productId}`
    const body = { delta: 7, reason: 'delivery' }
    const first = expecting(200, await clerk.post(path, body, { key }))
    assert.equal(first.onHand, 12)
    assert.deepEqual(expecting(200, await clerk.post(path, body, { key })), first)
    refused(
      await clerk.post(path, { ...body, delta: 8 }, { key }),
      422,
      'failed_precondition',
      'IDEMPOTENCY_KEY_REUSED',
    )
    assert.equal(expecting(200, await clerk.get(`/stock/${productId}`)).onHand, 12)
  })

  test('stock never falls below what is reserved, and only those who may adjust do', async () => {
    const { clerk, customer, visitor } = at()
    const productId = await product(at(), { stock: 5 })
    const path = `/stock/${productId}/adjustments`
    const body = { delta: -6, reason: 'broken' }
    refused(await clerk.post(path, body), 409, 'failed_precondition', 'STOCK_BELOW_RESERVED')
    refused(await customer.post(path, body), 403, 'permission_denied')
    refused(await visitor.post(path, body), 401, 'unauthenticated')
    assert.equal(expecting(200, await clerk.get(`/stock/${productId}`)).onHand, 5)
  })
}
