/**
 * Orders from `POST /orders` over checkout to `confirmed`: seven services in one process, the payment provider in its own, everything durable. Sustained: so many customers at
 * once that there is always something to do, and the orders confirmed in a window are counted in the store. Then half of the bar's rate, sent by the clock, with and without
 * people who sign in meanwhile.
 */
import { join } from 'node:path'
import type { StatementSync } from 'node:sqlite'
import { DatabaseSync } from 'node:sqlite'
import type { Answer, Customer } from './customer.ts'
import { expecting, newCustomers } from './customer.ts'
import type { Benchmark } from './harness.ts'
import { atLeast, atMost, median, pause, quantile, row } from './harness.ts'
import { cpuMicros } from './process-usage.ts'
import type { Shop } from './shop.ts'
import { CLERK, startShop } from './shop.ts'

const CUSTOMERS = 20
/** Orders not yet confirmed at most: a backlog that only grows would be no sustained rate. */
const OPEN_ORDERS = 64
const WARM_MS = 4_000
const WINDOW_MS = 4_000
const WINDOWS = 4
const HALF_RATE = 100
const HALF_MS = 6_000
const HALF_ROUNDS = 3
const LOGINS_PER_SECOND = 5
/** Products of the seed that are bought; their shelves are filled first. */
const PRODUCTS = 50
const productIds = Array.from({ length: PRODUCTS }, (_, index) => `p-${String(index + 1).padStart(3, '0')}`)

export const orders: Benchmark = {
  name: 'orders',
  about: 'POST /orders to confirmed, durable, one process; p99 at half the rate, also with logins',
  async *run() {
    await using shop = await startShop()
    const { customers, agent } = await newCustomers(shop.port, CUSTOMERS)
    using ledger = new Ledger(shop.folder)
    try {
      await fillShelves(customers[0] as Customer)
      const { perSecond, cpuMs } = await sustained(shop, customers, ledger)
      const name = 'orders'
      yield row(
        { name, work: 'orders to confirmed, durable, one process', figure: perSecond, unit: '/s' },
        { bar: atLeast(200) },
      )
      yield row({ name, work: 'CPU of the shop for each order', figure: cpuMs, unit: 'ms' })
      const quiet: number[] = []
      const busy: number[] = []
      let failed = 0
      let shed = 0
      for (let round = 0; round < HALF_ROUNDS; round++) {
        const alone = await paced(customers, false)
        const withLogins = await paced(customers, true)
        quiet.push(quantile(alone.times, 0.99))
        busy.push(quantile(withLogins.times, 0.99))
        failed += alone.failed + withLogins.failed
        shed += withLogins.shed
      }
      const work = `p99 of POST /orders at ${HALF_RATE} orders/s`
      yield row({ name, work, figure: median(quiet), unit: 'ms' }, { bar: atMost(50) })
      yield row(
        { name, work: `${work}, ${LOGINS_PER_SECOND} logins/s`, figure: median(busy), unit: 'ms' },
        { bar: atMost(50) },
      )
      yield row({ name, work: 'orders that failed meanwhile', figure: failed, unit: 'orders' }, { bar: atMost(0) })
      yield row({ name, work: 'logins that were shed meanwhile', figure: shed, unit: 'logins' }, { bar: atMost(0) })
    } finally {
      agent.destroy()
    }
  },
}

/** Reads beside the shop how many orders are confirmed. */
class Ledger {
  readonly #database: DatabaseSync
  readonly #select: StatementSync
  #last = 0
  #confirmed = 0

  constructor(folder: string) {
    this.#database = new DatabaseSync(join(folder, 'orders', 'orders.db'), { readOnly: true })
    this.#select = this.#database.prepare('select rowid, type from trellis_events where rowid > ?')
  }

  confirmed(): number {
    for (const { rowid, type } of this.#select.all(this.#last) as { rowid: number; type: string }[]) {
      this.#last = Math.max(this.#last, rowid)
      if (type === 'OrderConfirmed') this.#confirmed++
    }
    return this.#confirmed
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}

async function sustained(
  shop: Shop,
  customers: readonly Customer[],
  ledger: Ledger,
): Promise<{ perSecond: number; cpuMs: number }> {
  let asked = 0
  let confirmed = 0
  let going = true
  const looking = (async () => {
    while (going) {
      confirmed = ledger.confirmed()
      await pause(20)
    }
  })()
  const buyers = Array.from({ length: 32 }, async (_, index) => {
    while (going) {
      if (asked - confirmed >= OPEN_ORDERS) {
        await pause(5)
        continue
      }
      asked++
      await buy(customers[index % customers.length] as Customer)
    }
  })
  const failed = Promise.race([...buyers, looking]).then(() => undefined)
  const rates: number[] = []
  const cpus: number[] = []
  await Promise.race([pause(WARM_MS), failed])
  for (let window = 0; window < WINDOWS; window++) {
    const cpu = cpuMicros(shop.pid)
    const first = ledger.confirmed()
    const began = performance.now()
    await Promise.race([pause(WINDOW_MS), failed])
    const done = ledger.confirmed() - first
    rates.push((done / (performance.now() - began)) * 1000)
    cpus.push((cpuMicros(shop.pid) - cpu) / done / 1000)
  }
  going = false
  await Promise.all([...buyers, looking])
  return { perSecond: median(rates), cpuMs: median(cpus) }
}

async function fillShelves(customer: Customer): Promise<void> {
  const session = expecting(201, await customer.post('/sessions', CLERK)) as { readonly token: string }
  const clerk = customer.as(session.token)
  for (const productId of productIds) {
    expecting(200, await clerk.post(`/stock/${productId}/adjustments`, { delta: 1_000_000, reason: 'benchmark' }))
  }
}

/** Opens an order and checks it out; how long opening took, in milliseconds. */
async function buy(customer: Customer): Promise<number> {
  const opened = await open(customer)
  const { id } = expecting(201, opened) as { readonly id: string }
  expecting(202, await customer.post(`/orders/${id}/checkout`, { paymentMethod: 'pm_ok' }))
  return opened.tookMs
}

function open(customer: Customer): Promise<Answer> {
  const productId = productIds[Math.floor(Math.random() * productIds.length)]
  return customer.post('/orders', { items: [{ productId, quantity: 1 }] })
}

/** What became of orders by the clock. */
interface Paced {
  /** How long each opening took. */
  readonly times: readonly number[]
  /** Orders that were not opened, or not checked out. */
  readonly failed: number
  /** People who could not sign in. */
  readonly shed: number
}

/** Orders by the clock, whether or not those before are answered. */
async function paced(customers: readonly Customer[], logins: boolean): Promise<Paced> {
  const anybody = customers[0] as Customer
  const times: number[] = []
  let failed = 0
  const buyOne = async (customer: Customer): Promise<void> => {
    const opened = await open(customer)
    times.push(opened.tookMs)
    if (opened.status !== 201) failed++
    else {
      const checkout = `/orders/${opened.body.id}/checkout`
      if ((await customer.post(checkout, { paymentMethod: 'pm_ok' })).status !== 202) failed++
    }
  }
  const running: Promise<void>[] = []
  const signing: Promise<boolean>[] = []
  const began = performance.now()
  for (let due = 0; due < (HALF_RATE * HALF_MS) / 1000; due++) {
    const wait = began + (due * 1000) / HALF_RATE - performance.now()
    if (wait > 0) await pause(wait)
    running.push(buyOne(customers[due % customers.length] as Customer))
    if (logins && due % (HALF_RATE / LOGINS_PER_SECOND) === 0) {
      signing.push(anybody.post('/sessions', CLERK).then(answer => answer.status === 201))
    }
  }
  await Promise.all(running)
  const signedIn = await Promise.all(signing)
  return { times, failed, shed: signedIn.filter(done => !done).length }
}
