import assert from 'node:assert/strict'
import { appendFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test } from 'node:test'
import { ClientRecord } from './client-record.ts'
import { Customer } from './customers.ts'
import { Dice } from './dice.ts'
import { checkInvariants, checkProjections } from './invariants.ts'
import { allHold, invariantsTable } from './invariants-table.ts'
import { settle } from './settle.ts'
import { startShop } from './start-shop.ts'

// A checker that never finds anything would pass every run: here each sentence is broken on purpose in a copy of a shop's data.
suite('the invariants', () => {
  const record = new ClientRecord()
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trellis-books-'))
    await using shop = await startShop({ folder, timeScale: 1 / 4 })
    const crowd = { url: shop.url, record, surprises: [] }
    const customer = new Customer(crowd, new Dice(1))
    const clerk = new Customer(crowd, new Dice(2), shop.accounts.clerk)
    await customer.register()
    await clerk.signIn()
    await clerk.want('adjust', '/stock/p-001/adjustments', { delta: 5 }, { delta: 5 })
    for (const paymentMethod of ['pm_ok', 'pm_ok', 'pm_declined']) {
      const items = [{ productId: 'p-001', quantity: 2 }]
      const { id: orderId } = await customer.want('order', '/orders', { items })
      await customer.want('add-item', `/orders/${orderId}/items`, { productId: 'p-002', quantity: 1 }, { orderId })
      await customer.want('check-out', `/orders/${orderId}/checkout`, { paymentMethod }, { orderId })
    }
    const findings = await settle(folder, record, 20_000)
    assert(allHold(findings), invariantsTable(findings))
  })
  after(() => rm(folder, { recursive: true }))

  /** The sentences that do not hold after a change of the data. */
  async function brokenBy(change: (folder: string) => unknown, wishes: ClientRecord = record): Promise<string[]> {
    const copy = await mkdtemp(join(tmpdir(), 'trellis-books-'))
    try {
      await cp(folder, copy, { recursive: true })
      await change(copy)
      const findings = [...(await checkInvariants(copy, wishes)), await checkProjections(copy)]
      return findings.filter(({ broken }) => broken.length > 0).map(({ sentence }) => sentence)
    } finally {
      await rm(copy, { recursive: true })
    }
  }

  const sql =
    (service: string, ...statements: string[]) =>
    (copy: string): void => {
      const path = service === 'platform' ? join(copy, 'platform.db') : join(copy, service, `${service}.db`)
      using database = new DatabaseSync(path)
      for (const statement of statements) {
        const { changes } = database.prepare(statement).run()
        assert(changes > 0, `${statement} changed nothing`)
      }
    }

  const first = `(select aggregate_id from trellis_events where type = 'OrderConfirmed' order by aggregate_id limit 1)`
  const breaks: readonly [string, ReturnType<typeof sql>, RegExp][] = [
    [
      'stock that is gone',
      sql('inventory', "update stock set on_hand = on_hand - 1 where product_id = 'p-009'"),
      /on hand/,
    ],
    [
      'stock that stays set aside',
      sql('inventory', "update stock set reserved = 1 where product_id = 'p-009'"),
      /reserved/,
    ],
    [
      'a reservation that was never committed',
      sql('inventory', "update reservation set state = 'released' where state = 'committed'"),
      /stock committed/,
    ],
    [
      'a message that nobody took',
      sql(
        'orders',
        "insert into outbox (id, topic, source, sent_at, body, attributes, attempts) values ('x', 'x', 'x', 0, '{}', '{}', 0)",
      ),
      /on its way/,
    ],
    [
      'a lost event',
      sql('orders', `delete from trellis_events where aggregate_id = ${first} and type = 'ItemAdded'`),
      /without gap/,
    ],
    [
      'a lost order',
      sql('orders', `delete from trellis_events where aggregate_id = ${first}`),
      /accepted request is in the history/,
    ],
    [
      'a second cancellation',
      sql(
        'orders',
        `update trellis_events set type = 'OrderCancelled', data = '{"code":"X","message":"x","refund":false}' where aggregate_id = ${first} and type = 'OrderConfirmed'`,
      ),
      /cancelled: no capture/,
    ],
    [
      'a list that shows something else',
      sql('orders', 'update order_list__1 set updated_at = updated_at + 1'),
      /equals a rebuild/,
    ],
    [
      'a lost notification',
      sql('notifications', "delete from notification where kind = 'order-cancelled'"),
      /one notification/,
    ],
    [
      'a second notification',
      sql(
        'notifications',
        "insert into notification (id, user_id, kind, order_id, subject, body, at) select id || '-2', user_id, kind, order_id, subject, body, at from notification where kind = 'order-confirmed'",
      ),
      /one notification/,
    ],
    [
      'a figure counted twice',
      sql('analytics', "update figure set amount = amount + 1 where name = 'orders-created'"),
      /daily figures/,
    ],
    [
      'an adjustment made twice',
      sql(
        'inventory',
        "insert into adjustment (id, product_id, delta, reason, actor, at) select id || '-2', product_id, delta, reason, actor, at from adjustment where id not like 'seed-%'",
        "update stock set on_hand = on_hand + 5 where product_id = 'p-001'",
      ),
      /asked for by exactly one, too/,
    ],
  ]
  for (const [what, change, sentence] of breaks) {
    test(`${what} is found`, async () => {
      const broken = await brokenBy(change)
      assert(
        broken.some(text => sentence.test(text)),
        `found only: ${broken.join('; ') || 'nothing'}`,
      )
    })
  }

  test('a charge made twice is found', async () => {
    const broken = await brokenBy(async copy => {
      const log = join(copy, 'provider', 'provider.log')
      const [charge = ''] = (await readFile(log, 'utf8')).split('\n').filter(line => line.includes('"captured"'))
      await appendFile(log, `${charge}\n`)
    })
    assert(
      broken.some(text => /one capture/.test(text)),
      broken.join('; '),
    )
  })

  test('an effect of a refused request is found', async () => {
    const refused = new ClientRecord()
    refused.wishes.push(...record.wishes.map(wish => ({ ...wish })))
    const checkOut = refused.wishes.find(({ kind }) => kind === 'check-out')
    assert(checkOut !== undefined)
    checkOut.outcome = 'refused'
    const broken = await brokenBy(() => undefined, refused)
    assert.deepEqual(broken, ['every other effect was asked for by exactly one, too; a refusal has none'])
  })

  test('an order that nobody asked for is found', async () => {
    const fewer = new ClientRecord()
    fewer.wishes.push(...record.wishes.filter(({ kind }) => kind !== 'order'))
    const broken = await brokenBy(() => undefined, fewer)
    assert(
      broken.some(text => /every order was asked for/.test(text)),
      broken.join('; '),
    )
  })
})
