// What a customer does at the storefront, in a real browser, against a whole shop.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { requireTool } from '../../scripts/tool-cache.ts'
import { expecting, ShopClient } from './testing/shop-client.ts'
import type { Shop } from './testing/start-shop.ts'
import { startShop } from './testing/start-shop.ts'
import { checkOut, eventsShown, PASSWORD, putInBasket, register, startBrowser, visit } from './testing/storefront.ts'

const chromium = requireTool('chromium', 'the storefront in a browser')
const options = { skip: chromium === undefined }

let browser: Browser
let shop: Shop
let clerk: ShopClient

before(async () => {
  if (chromium === undefined) return
  ;[browser, shop] = await Promise.all([startBrowser(chromium), startShop()])
  clerk = new ShopClient(shop.url)
  await clerk.signIn(shop.accounts.clerk)
})

after(async () => {
  await browser?.close()
  await shop?.[Symbol.asyncDispose]()
})

test('a newcomer registers, orders, and watches the order until it is confirmed and announced', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await page.getByRole('link', { name: 'Everything' }).waitFor()
  await register(page)
  await putInBasket(visitor, 'p-010')
  await checkOut(visitor, 'pm_slow')

  // Before the bank has answered: what has happened so far is there, and no reload was needed.
  await page.locator('[data-event=PaymentRequested]').waitFor()
  assert.equal(await page.locator('[data-station=payment]').getAttribute('aria-current'), 'step')
  assert.equal(await page.locator('[data-event=OrderConfirmed]').count(), 0)

  await page.getByRole('heading', { name: 'Thank you, it is on its way' }).waitFor()
  assert.deepEqual(await eventsShown(page), [
    'OrderCreated',
    'CheckoutStarted',
    'StockReserved',
    'PaymentRequested',
    'PaymentCaptured',
    'OrderConfirmed',
  ])
  await page.locator('#announcer p', { hasText: 'Your order is confirmed' }).waitFor({ state: 'attached' })
  await page.getByRole('link', { name: 'Notifications 2 new' }).click()
  await page.locator('[data-kind=order-confirmed]').waitFor()
  await page.locator('[data-kind=welcome]').waitFor()
  await page.getByRole('link', { name: 'Notifications', exact: true }).waitFor()
})

test('a declined payment says so, and the same things can be ordered anew', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await register(page)
  await putInBasket(visitor, 'p-011')
  await checkOut(visitor, 'pm_declined')
  await page.getByRole('heading', { name: 'The payment was declined' }).waitFor()

  await page.getByRole('button', { name: 'Try again with a new order' }).click()
  await page.getByRole('heading', { name: 'Basket' }).waitFor()
  await page.getByRole('button', { name: 'Check out' }).click()
  await page.getByRole('heading', { name: 'Thank you, it is on its way' }).waitFor()
})

test('an order that the shelf is short of is cancelled, with the product by its name', options, async () => {
  const { onHand } = expecting(200, await clerk.get('/stock/p-012'))
  expecting(200, await clerk.post('/stock/p-012/adjustments', { delta: -onHand, reason: 'broken' }))
  const { name } = expecting(200, await clerk.get('/products/p-012'))
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await register(page)
  await putInBasket(visitor, 'p-012')
  await page.getByText('Out of stock').waitFor()
  await checkOut(visitor, 'pm_ok')
  await page.getByRole('heading', { name: 'Not enough on the shelf' }).waitFor()
  assert.match(await page.locator('.order-state p').innerText(), new RegExp(`not enough stock of ${name}`))
})

test('quantities go up and down, items go out, and an open order is cancelled', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await register(page)
  await putInBasket(visitor, 'p-013')
  await putInBasket(visitor, 'p-014')
  await visitor.go('#/basket')
  const first = page.locator('[data-product=p-013]')
  const number = first.getByRole('spinbutton')
  await number.fill('5')
  await number.press('Enter')
  await page.getByRole('link', { name: 'Basket 6 pieces' }).waitFor()
  await first.getByRole('button', { name: /One less/ }).click()
  await page.getByRole('link', { name: 'Basket 5 pieces' }).waitFor()
  assert.equal(await number.inputValue(), '4')
  await page
    .locator('[data-product=p-014]')
    .getByRole('button', { name: /Remove/ })
    .click()
  await page.locator('[data-product=p-014]').waitFor({ state: 'detached' })

  await page.getByRole('button', { name: 'Cancel the order' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Reason (optional)').fill('Changed my mind')
  await dialog.getByRole('button', { name: 'Cancel the order' }).click()
  await page.getByRole('heading', { name: 'The order was cancelled' }).waitFor()
  assert.equal(await page.locator('.order-state p').innerText(), 'Changed my mind')
  await visitor.go('#/orders')
  await page.locator('.order-row', { hasText: 'Cancelled' }).waitFor()
})

test('once payment has been asked for, an order can not be cancelled, and the page says why', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await register(page)
  await putInBasket(visitor, 'p-015')
  await checkOut(visitor, 'pm_slow')
  await page.locator('[data-event=PaymentRequested]').waitFor()
  await page.getByRole('button', { name: 'Cancel the order' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the order' }).click()
  await page.locator('#banner', { hasText: 'Payment has been asked for' }).waitFor()
  await page.getByRole('heading', { name: 'Thank you, it is on its way' }).waitFor()
})

test('a price that changed is shown, and the order goes on at the new one when it is accepted', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await register(page)
  await putInBasket(visitor, 'p-016')
  await visitor.go('#/basket')
  await page.locator('[data-product=p-016]').waitFor()
  const { id: _, ...product } = expecting(200, await clerk.get('/products/p-016'))
  const price = { amount: product.price.amount + 500, currency: 'EUR' }
  expecting(200, await clerk.put('/products/p-016', { ...product, price }))
  const shown = `€${(price.amount / 100).toFixed(2)}`

  // The news of the price reaches orders by an event; a shopper who is faster gets the old price, as agreed.
  const dialog = page.getByRole('dialog', { name: 'Prices have changed' })
  await heardOfPrice(price.amount)
  await page.getByRole('button', { name: 'Check out' }).click()
  await dialog.getByRole('cell', { name: shown }).waitFor()
  await dialog.getByRole('button', { name: 'Back to the basket' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Check out' }).click()
  await dialog.getByRole('button', { name: 'Order at the new prices' }).click()
  await page.getByText(`${shown} has been paid`).waitFor()
})

test('a reload keeps one signed in, and a session that the shop refuses ends politely', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  const email = await register(page)
  await page.reload()
  await page.getByRole('link', { name: 'Account of Wilma Wren' }).waitFor()
  await page.evaluate(`{
    const session = JSON.parse(localStorage.getItem('shop.session'))
    localStorage.setItem('shop.session', JSON.stringify({ ...session, token: session.token.slice(0, -4) + 'AAAA' }))
  }`)
  await page.reload()
  const banner = page.locator('#banner', { hasText: 'You have been signed out' })
  await banner.getByRole('button', { name: 'Sign in' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('E-mail address').fill(email)
  await dialog.getByLabel('Password').fill('not-the-password')
  await dialog.locator('button[type=submit]').click()
  await dialog.getByText('The address or the password is wrong').waitFor()
  await dialog.getByLabel('Password').fill(PASSWORD)
  await dialog.locator('button[type=submit]').click()
  await page.getByRole('link', { name: 'Account of Wilma Wren' }).waitFor()
  await page.getByRole('link', { name: 'Account of Wilma Wren' }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.locator('#account').getByRole('button', { name: 'Sign in' }).waitFor()
})

test('the shelves are browsed by category, searched, and paged', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await page.getByRole('link', { name: 'See all of Books' }).click()
  await page.getByRole('heading', { name: 'Books', level: 1 }).waitFor()
  await page.locator('.intro', { hasText: 'The first 12 products' }).waitFor()
  await page.getByRole('button', { name: 'Show more' }).click()
  await page.locator('.intro', { hasText: 'The first 24 products' }).waitFor()
  assert.equal(await page.locator('.card').count(), 24)
  await page.getByLabel('Search the shop').fill('skillet')
  await page.locator('.intro', { hasText: /^“skillet”\s*1 product$/ }).waitFor()
  await page.getByRole('link', { name: /Cast-iron skillet/ }).click()
  await page.getByText('In stock').first().waitFor()
  await page.goBack()
  await page.getByRole('heading', { name: '“skillet”' }).waitFor()
})

/** Resolves when orders compares with the price: another customer's order of the same product would fail. */
async function heardOfPrice(amount: number): Promise<void> {
  const probe = new ShopClient(shop.url)
  await probe.register()
  const order = await probe.order({ productId: 'p-016', quantity: 1 })
  assert.equal(order.total.amount, amount) // adding it tells orders, whatever the broker does
}
