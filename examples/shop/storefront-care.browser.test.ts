// The storefront for those who use keys alone, a phone, the dark, or a connection that breaks; and when a part of the shop is down.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { requireTool } from '../../scripts/tool-cache.ts'
import type { Shop } from './testing/start-shop.ts'
import { startShop } from './testing/start-shop.ts'
import { checkOut, PASSWORD, putInBasket, register, startBrowser, visit } from './testing/storefront.ts'

const chromium = requireTool('chromium', 'the storefront in a browser')
const options = { skip: chromium === undefined }

let browser: Browser
let shop: Shop

before(async () => {
  if (chromium === undefined) return
  ;[browser, shop] = await Promise.all([startBrowser(chromium), startShop()])
})

after(async () => {
  await browser?.close()
  await shop?.[Symbol.asyncDispose]()
})

const unavailable = (detail: string) => ({
  status: 503,
  contentType: 'application/problem+json',
  body: JSON.stringify({ status: 503, code: 'unavailable', reason: 'TEST', detail, retryable: false }),
})

test('an order is placed with the keyboard alone, and the focus is always to be seen', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await page.locator('.department').first().waitFor()
  await page.keyboard.press('Tab')
  assert.equal(await focused(page), 'Skip to content')
  await page.keyboard.press('Enter')
  await tabTo(page, 'Add Cast-iron skillet 26 cm to the basket')
  await page.keyboard.press('Enter')

  await page.getByRole('dialog').waitFor()
  await tabTo(page, 'Create account')
  await page.keyboard.press('Enter')
  await page.getByLabel('Name', { exact: true }).waitFor()
  await tabTo(page, 'Name')
  await page.keyboard.type('Kay Board')
  await page.keyboard.press('Tab')
  await page.keyboard.type(`${crypto.randomUUID()}@customers.example`)
  await page.keyboard.press('Tab')
  await page.keyboard.type(PASSWORD)
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'Basket 1 piece' }).waitFor()
  assert.equal(await focused(page), 'Add Cast-iron skillet 26 cm to the basket', 'the dialog gives the focus back')

  await tabTo(page, 'Basket 1 piece', 'Shift+Tab')
  await page.keyboard.press('Enter')
  await page.getByLabel('Test payment').waitFor()
  assert.equal(await focused(page), 'Basket', 'a new view has the focus on its heading')
  await tabTo(page, 'Check out')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Thank you, it is on its way' }).waitFor()
  assert.match(await focused(page), /^Order /)
  await page.locator('#announcer p', { hasText: 'Order confirmed.' }).waitFor({ state: 'attached' })
})

test('Escape closes a dialog, and nothing is done', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await page.locator('#account').getByRole('button', { name: 'Sign in' }).press('Enter')
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  assert.equal(await focused(page), 'Sign in')
})

for (const [name, appearance] of [
  ['on a phone', { viewport: { width: 390, height: 844 }, colorScheme: 'light' }],
  ['on a phone in the dark', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }],
  ['on a desk', { viewport: { width: 1280, height: 860 }, colorScheme: 'light' }],
  ['on a desk in the dark', { viewport: { width: 1280, height: 860 }, colorScheme: 'dark' }],
] as const) {
  test(`every view is named, readable and within its window ${name}`, options, async () => {
    await using visitor = await visit(browser, shop.url, appearance)
    const { page, go } = visitor
    const look = async (where: string): Promise<void> => {
      assert.deepEqual(await page.evaluate('pageChecks.problems()'), [], where)
      assert.equal(await page.evaluate('pageChecks.overflow()'), 0, `${where} scrolls sideways`)
    }
    await page.locator('.department').first().waitFor()
    await look('first page')
    await go('#/basket')
    await page.getByRole('heading', { name: 'Who is it?' }).waitFor()
    await look('signed out')
    await page.locator('#account').getByRole('button', { name: 'Sign in' }).click()
    await look('dialog')
    await page.keyboard.press('Escape')
    await register(page)
    await putInBasket(visitor, 'p-020')
    await look('product')
    await go('#/basket')
    await page.getByLabel('Test payment').waitFor()
    await look('basket')
    await checkOut(visitor, 'pm_declined')
    await page.getByRole('heading', { name: 'The payment was declined' }).waitFor()
    await look('declined order')
    await page.getByRole('button', { name: 'Try again with a new order' }).click()
    await page.getByRole('heading', { name: 'Basket' }).waitFor()
    await checkOut(visitor, 'pm_ok')
    await page.getByRole('heading', { name: 'Thank you, it is on its way' }).waitFor()
    await look('confirmed order')
    for (const [hash, selector] of [
      ['#/orders', '.order-row'],
      ['#/notifications', '[data-kind=welcome]'],
      ['#/account', '#newsletter'],
      ['#/?q=nothing-like-it', '.empty'],
      ['#/nowhere', '.empty'],
    ] as const) {
      await go(hash)
      await page.locator(selector).first().waitFor()
      await look(hash)
    }
  })
}

test('a checkout whose answer is lost is asked for again under the same key, and acts once', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await register(page)
  await putInBasket(visitor, 'p-021')
  const keys: (string | undefined)[] = []
  const statuses: number[] = []
  await page.route('**/api/orders/*/checkout', async route => {
    keys.push(route.request().headers()['idempotency-key'])
    const answer = await route.fetch()
    statuses.push(answer.status())
    if (keys.length === 1) await route.abort('connectionreset')
    else await route.fulfill({ response: answer })
  })
  await checkOut(visitor, 'pm_ok')
  await page.getByRole('heading', { name: 'Thank you, it is on its way' }).waitFor()
  await assertSoon(() => statuses.length === 2)
  assert.equal(keys[0], keys[1])
  assert.deepEqual(statuses, [202, 202])
})

test('an answer that events have overtaken does not set the order back', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await register(page)
  await putInBasket(visitor, 'p-026')
  await page.route('**/api/orders/*/checkout', async route => {
    const answer = await route.fetch()
    await page.locator('[data-event=PaymentRequested]').waitFor()
    await route.fulfill({ response: answer })
  })
  const answered = page.waitForResponse('**/api/orders/*/checkout')
  await checkOut(visitor, 'pm_slow')
  await (await answered).finished()
  await page.locator('#announcer p', { hasText: 'The order has been placed.' }).waitFor({ state: 'attached' })
  assert.equal(await page.locator('.pill').innerText(), 'Waiting for payment')
})

test('a button that is pressed twice asks once', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await register(page)
  let asked = 0
  await page.route('**/api/orders', async route => {
    if (route.request().method() === 'POST') asked++
    await route.continue()
  })
  await visitor.go('#/products/p-022')
  await page.getByRole('button', { name: 'Add to the basket' }).dblclick()
  await page.getByRole('link', { name: 'Basket 1 piece' }).waitFor()
  assert.equal(asked, 1)
})

test('a stream that breaks goes on behind the last event that was seen', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await register(page)
  await putInBasket(visitor, 'p-023')
  const resumed: (string | undefined)[] = []
  await page.route('**/api/orders/*/changes', async route => {
    resumed.push(route.request().headers()['last-event-id'])
    if (resumed.length > 1) return route.continue()
    const data = JSON.stringify({
      type: 'ItemAdded',
      version: 2,
      status: 'created',
      event: { productId: 'p-023', quantity: 1 },
    })
    // Cut off within the second event, which therefore has not been seen.
    const body = `event: ItemAdded\r\nid: 2\r\ndata: ${data}\r\n\r\nevent: ItemAdded\r\nid: 3\r\ndata: {"type"`
    return route.fulfill({ status: 200, contentType: 'text/event-stream', body })
  })
  await visitor.go('#/basket')
  await assertSoon(() => resumed.length > 1)
  assert.deepEqual(resumed.slice(0, 2), ['1', '2'])
})

test('without the catalogue the page says so calmly, and comes back when asked', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await page.route('**/api/products?*', route => route.fulfill(unavailable('catalog is not there')))
  await visitor.go('#/?category=garden')
  await page.getByRole('heading', { name: 'A part of the shop is resting' }).waitFor()
  await page.unroute('**/api/products?*')
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.locator('.card').first().waitFor()
})

test('without stock the shelves can be browsed and filled, and availability is unknown', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await page.route('**/api/stock/*', route => route.fulfill(unavailable('inventory is not there')))
  await register(page)
  await putInBasket(visitor, 'p-024')
  await page.getByText('Availability unknown').first().waitFor()
})

test('while the payment provider is away an order waits, and the page says so', options, async () => {
  await using visitor = await visit(browser, shop.url)
  const { page } = visitor
  await register(page)
  await putInBasket(visitor, 'p-025')
  await shop.takeDown('provider')
  await checkOut(visitor, 'pm_ok')
  await page.getByRole('heading', { name: 'Waiting for the bank' }).waitFor()
  await page.locator('.pill', { hasText: 'Waiting for payment' }).waitFor()
})

/** The name of what has the focus, which must be marked unless it is a heading or the main part. */
async function focused(page: Page): Promise<string> {
  const [name, isMarked] = (await page.evaluate(`(() => {
    const element = document.activeElement
    const heard = element.cloneNode(true)
    for (const silent of heard.querySelectorAll('[aria-hidden=true]')) silent.remove()
    const name = element.getAttribute('aria-label') ?? element.labels?.[0]?.textContent ?? heard.textContent
    const style = getComputedStyle(element)
    const isMarked = element.matches('h1, main, body') || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)
    return [name.trim().replace(/\\s+/g, ' '), isMarked]
  })()`)) as [string, boolean]
  assert.ok(isMarked, `the focus on ${name} can't be seen`)
  return name
}

async function tabTo(page: Page, name: string, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  for (let pressed = 0; pressed < 60; pressed++) {
    await page.keyboard.press(key)
    if ((await focused(page)) === name) return
  }
  assert.fail(`${name} is not reached by ${key}`)
}

/** Looks until it is so; the browser's own events drive it, this only asks. */
async function assertSoon(isSo: () => boolean): Promise<void> {
  for (const until = performance.now() + 15_000; performance.now() < until; ) {
    if (isSo()) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  assert.fail('it did not come to pass within 15 s')
}
