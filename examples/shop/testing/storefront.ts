/** The storefront in a real browser, for tests: headless Chromium, driven as a customer would. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { chromium } from 'playwright-core'

/** Starts Chromium without what it would otherwise fetch or remember. */
export function startBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** A page of a new visitor. */
export interface Visit extends AsyncDisposable {
  readonly page: Page
  /** Goes to a view, such as `#/orders`. */
  go(hash: string): Promise<void>
  /** Fails when the page threw, or its policy kept something out. */
  check(): Promise<void>
}

/** Opens the storefront as a new visitor. Disposing checks the page and closes it. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({
    locale: 'en-GB',
    viewport: { width: 1280, height: 860 },
    reducedMotion: 'reduce',
    ...options,
  })
  await context.addInitScript({ path: join(import.meta.dirname, 'page-checks.js') })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const thrown: string[] = []
  page.on('pageerror', error => void thrown.push(error.stack ?? error.message))
  page.on('console', message => {
    // Chromium itself logs each answer that is no success; those are the tests' own.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) thrown.push(message.text())
  })
  await page.goto(`${url}/`)
  const check = async (): Promise<void> => {
    assert.deepEqual(thrown, [])
    assert.deepEqual(await page.evaluate('pageChecks.violations'), [])
  }
  return {
    page,
    go: async hash => {
      await page.goto(`${url}/${hash}`)
    },
    check,
    [Symbol.asyncDispose]: async () => {
      try {
        await check()
      } finally {
        await context.close()
      }
    },
  }
}

/** Registers somebody new by the dialog; their address. */
export async function register(page: Page): Promise<string> {
  const email = `${randomUUID()}@customers.example`
  await page.locator('#account').getByRole('button', { name: 'Sign in' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Create account' }).first().click()
  await dialog.getByLabel('Name').fill('Wilma Wren')
  await dialog.getByLabel('E-mail address').fill(email)
  await dialog.getByLabel('Password').fill(PASSWORD)
  await dialog.locator('button[type=submit]').click()
  await dialog.waitFor({ state: 'detached' })
  return email
}

/** The password of everybody who registers in these tests. */
export const PASSWORD = 'a-good-password'

/** Puts a product into the basket, from its own page. */
export async function putInBasket({ page, go }: Visit, productId: string): Promise<void> {
  await go(`#/products/${productId}`)
  const name = await page.locator('.product h1').filter({ hasText: /\w/ }).innerText()
  await page.getByRole('button', { name: 'Add to the basket' }).click()
  await page.locator('#announcer p', { hasText: `${name} is in the basket` }).waitFor({ state: 'attached' })
}

/** Checks out what is in the basket. */
export async function checkOut({ page, go }: Visit, paymentMethod: string): Promise<void> {
  await go('#/basket')
  await page.getByLabel('Test payment').selectOption(paymentMethod)
  await page.getByRole('button', { name: 'Check out' }).click()
}

/** The types of the events that the page shows of an order. */
export function eventsShown(page: Page): Promise<(string | null)[]> {
  return page.locator('[data-event]').evaluateAll(items => items.map(item => item.getAttribute('data-event')))
}
