import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { createRuntime, Fault, isFault } from 'trellis/kernel'
import type { ConsumerContext } from 'trellis/service'
import { startProcess, system } from 'trellis/system'
import { createMetrics } from 'trellis/telemetry'
import { Inventory } from './contract.ts'
import { ExpireReservation } from './messages.ts'
import { inventory } from './service.ts'

const folder = await mkdtemp(join(tmpdir(), 'trellis-inventory-'))
const silent = { log: () => undefined, with: () => silent }
const running = await startProcess({
  system: system('stock', { services: [inventory], roles: { 'service:inventory': ['inventory:write'] } }),
  services: ['inventory'],
  name: 'stock',
  folder,
  environment: {},
  runtime: createRuntime(),
  logger: silent,
  metrics: createMetrics(),
  notice: () => undefined,
})
after(async () => {
  await running.stop()
  await rm(folder, { recursive: true })
})
const service = running.services.get('inventory')
assert(service !== undefined)
const { store } = service
const stock = service.context().client(Inventory)

/** What the expiry timer does when a reservation's time is over. */
async function expire(reservationId: string): Promise<void> {
  const consumption = inventory.consumes.find(({ type }) => type.name === ExpireReservation.name)
  await consumption?.handler({ reservationId }, service?.context() as ConsumerContext)
}

let made = 0
/** A product that no other test touches, with some stock. */
async function product(onHand: number): Promise<string> {
  const productId = `p-test-${made++}`
  await stock.adjust({ productId, delta: onHand, reason: 'test' })
  return productId
}
const reservation = (): string => `r-test-${made++}`
const level = async (productId: string): Promise<readonly number[]> => {
  const { onHand, reserved, available } = await stock.get({ productId })
  return [onHand, reserved, available]
}
const refused = (reason: string) => (error: unknown) => isFault(error, reason)

test('the first stock is on the shelves', async () => {
  const { onHand, reserved } = await stock.get({ productId: 'p-001' })
  assert(onHand > 0)
  assert.equal(reserved, 0)
})

test('a reservation sets stock aside, a commit takes it out, and each acts once', async () => {
  const productId = await product(10)
  const reservationId = reservation()
  const lines = [{ productId, quantity: 4 }]
  for (let times = 0; times < 2; times++) {
    await stock.reserve({ reservationId, lines })
    assert.deepEqual(await level(productId), [10, 4, 6])
  }
  for (let times = 0; times < 2; times++) {
    await stock.commit({ reservationId })
    assert.deepEqual(await level(productId), [6, 0, 6])
  }
})

test('a release gives reserved and committed stock back, once', async () => {
  const productId = await product(10)
  for (const commit of [false, true]) {
    const reservationId = reservation()
    await stock.reserve({ reservationId, lines: [{ productId, quantity: 4 }] })
    if (commit) await stock.commit({ reservationId })
    await stock.release({ reservationId })
    await stock.release({ reservationId })
    assert.deepEqual(await level(productId), [10, 0, 10])
  }
})

test('all lines are set aside, or none, and the short ones are named', async () => {
  const [much, little] = [await product(10), await product(1)]
  const lines = [
    { productId: much, quantity: 5 },
    { productId: little, quantity: 2 },
  ]
  await assert.rejects(
    stock.reserve({ reservationId: reservation(), lines }),
    (error: unknown) =>
      isFault(error, 'OUT_OF_STOCK') &&
      assert.deepEqual(error.details, { short: [{ productId: little, requested: 2, available: 1 }] }) === undefined,
  )
  assert.deepEqual(await level(much), [10, 0, 10])
})

test('two lines of one product count together', async () => {
  const productId = await product(10)
  const lines = [
    { productId, quantity: 6 },
    { productId, quantity: 6 },
  ]
  await assert.rejects(stock.reserve({ reservationId: reservation(), lines }), refused('OUT_OF_STOCK'))
})

test('a release that comes first keeps a late reserve out', async () => {
  const productId = await product(10)
  const reservationId = reservation()
  await stock.release({ reservationId })
  await assert.rejects(
    stock.reserve({ reservationId, lines: [{ productId, quantity: 1 }] }),
    refused('RESERVATION_ENDED'),
  )
  assert.deepEqual(await level(productId), [10, 0, 10])
})

test('a commit after the expiry takes the stock if it is still there', async () => {
  const productId = await product(10)
  const [first, second, third] = [reservation(), reservation(), reservation()]
  await stock.reserve({ reservationId: first, lines: [{ productId, quantity: 6 }] })
  await expire(first)
  assert.deepEqual(await level(productId), [10, 0, 10])
  await stock.commit({ reservationId: first })
  assert.deepEqual(await level(productId), [4, 0, 4])

  await stock.reserve({ reservationId: second, lines: [{ productId, quantity: 3 }] })
  await expire(second)
  await stock.reserve({ reservationId: third, lines: [{ productId, quantity: 4 }] })
  await assert.rejects(stock.commit({ reservationId: second }), refused('OUT_OF_STOCK'))
  assert.deepEqual(await level(productId), [4, 4, 0])
})

test('an expiry of what was committed or released changes nothing', async () => {
  const productId = await product(10)
  const reservationId = reservation()
  await stock.reserve({ reservationId, lines: [{ productId, quantity: 4 }] })
  await stock.commit({ reservationId })
  await expire(reservationId)
  assert.deepEqual(await level(productId), [6, 0, 6])
})

test('an adjustment can not take what is reserved', async () => {
  const productId = await product(10)
  await stock.reserve({ reservationId: reservation(), lines: [{ productId, quantity: 6 }] })
  await assert.rejects(stock.adjust({ productId, delta: -5, reason: 'lost' }), refused('STOCK_BELOW_RESERVED'))
  await stock.adjust({ productId, delta: -4, reason: 'lost' })
  assert.deepEqual(await level(productId), [6, 6, 0])
})

test('a commit of what was never reserved is not found', async () => {
  await assert.rejects(stock.commit({ reservationId: reservation() }), refused('RESERVATION_NOT_FOUND'))
})

interface Levels {
  readonly product_id: string
  readonly on_hand: number
  readonly reserved: number
  readonly adjusted: number
  readonly committed: number
  readonly open: number
}

/** Each product's level beside what the records say it must be. */
const LEVELS = `select s.product_id, s.on_hand, s.reserved,
  (select coalesce(sum(delta), 0) from adjustment a where a.product_id = s.product_id) adjusted,
  (select coalesce(sum(quantity), 0) from reservation_line l join reservation r on r.id = l.reservation_id
    where l.product_id = s.product_id and r.state = 'committed') committed,
  (select coalesce(sum(quantity), 0) from reservation_line l join reservation r on r.id = l.reservation_id
    where l.product_id = s.product_id and r.state = 'reserved') open
  from stock s where s.product_id in (?, ?)`

test('whatever is done at once and in whatever order, levels equal the records and nothing is sold twice', async () => {
  const which = fc.nat({ max: 2 })
  const quantity = fc.integer({ min: 1, max: 6 })
  const action = fc.oneof(
    fc.record({ kind: fc.constant('adjust' as const), which, by: fc.integer({ min: -8, max: 8 }) }),
    fc.record({ kind: fc.constant('reserve' as const), which, quantities: fc.tuple(quantity, quantity) }),
    fc.record({ kind: fc.constantFrom('release' as const, 'commit' as const, 'expire' as const), which }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(action, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), async rounds => {
      const products = [await product(9), await product(9)] as const
      const reservations = [reservation(), reservation(), reservation()]
      for (const round of rounds) {
        const outcomes = await Promise.allSettled(
          round.map(async did => {
            const reservationId = reservations[did.which] as string
            switch (did.kind) {
              case 'adjust':
                return stock.adjust({ productId: products[did.which % 2] as string, delta: did.by, reason: 'test' })
              case 'reserve':
                return stock.reserve({
                  reservationId,
                  lines: products.map((productId, n) => ({ productId, quantity: did.quantities[n] as number })),
                })
              case 'expire':
                return expire(reservationId)
              default:
                return stock[did.kind]({ reservationId })
            }
          }),
        )
        for (const outcome of outcomes)
          if (outcome.status === 'rejected') assert.notEqual(Fault.from(outcome.reason).code, 'internal')
        for (const row of await store.reader.all<Levels>(LEVELS, ...products)) {
          assert.equal(row.on_hand, row.adjusted - row.committed, 'on hand')
          assert.equal(row.reserved, row.open, 'reserved')
          assert(row.on_hand - row.reserved >= 0, 'available')
        }
      }
    }),
    { numRuns: 25 },
  )
})
