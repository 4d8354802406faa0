import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { isFault } from 'trellis/kernel'
import { spec } from 'trellis/testing'
import type { OrderCommand, OrderEvent, OrderState } from './order.ts'
import { decide, evolve, initialState, OrderAggregate, reservationOf, toOrder, totalOf } from './order.ts'

const ID = 'o-1'
const euro = (amount: number) => ({ amount, currency: 'EUR' })
const lamp = { productId: 'p-lamp', name: 'Lamp', quantity: 2, unitPrice: euro(1_500) }
const chair = { productId: 'p-chair', name: 'Chair', quantity: 1, unitPrice: euro(7_000) }
const total = euro(10_000)

const created: OrderEvent = { type: 'OrderCreated', data: { userId: 'u-1', items: [lamp, chair] } }
const checkedOut: OrderEvent = { type: 'CheckoutStarted', data: { paymentMethod: 'pm_ok', total } }
const reserved: OrderEvent = { type: 'StockReserved', data: { reservationId: reservationOf(ID) } }
const asked: OrderEvent = { type: 'PaymentRequested', data: { amount: total, paymentMethod: 'pm_ok' } }
const captured: OrderEvent = { type: 'PaymentCaptured', data: { paymentId: 'pay-1', amount: total } }
const confirmed: OrderEvent = { type: 'OrderConfirmed', data: { total } }
const cancelled = (refund: boolean): OrderEvent => ({
  type: 'OrderCancelled',
  data: { code: 'CANCELLED', message: 'Changed my mind.', refund },
})

const open = [created]
const pending = [created, checkedOut]
const paying = [...pending, reserved, asked]
const done = [...paying, captured, confirmed]

const checkOut: OrderCommand = { kind: 'check-out', paymentMethod: 'pm_ok', prices: new Map() }
const confirm: OrderCommand = { kind: 'confirm', paymentId: 'pay-1', amount: total }
const fail: OrderCommand = { kind: 'fail', code: 'OUT_OF_STOCK', message: 'No lamps.' }
const cancel = (by: 'customer' | 'refunder'): OrderCommand => ({
  kind: 'cancel',
  code: 'CANCELLED',
  message: 'Changed my mind.',
  by,
})

const given = spec(OrderAggregate, { id: ID })

suite('an order', () => {
  test('is created with its items, those of one product together', () => {
    given()
      .when({ kind: 'create', userId: 'u-1', items: [lamp, chair, { ...lamp, quantity: 3 }] })
      .then({ type: 'OrderCreated', data: { userId: 'u-1', items: [{ ...lamp, quantity: 5 }, chair] } })
  })

  test('is created once', () =>
    given(...open)
      .when({ kind: 'create', userId: 'u-2', items: [] })
      .thenFault('ORDER_NOT_OPEN'))

  test('that was never created takes no command', () => {
    for (const command of [checkOut, confirm, fail, cancel('customer')])
      given().when(command).thenFault('ORDER_NOT_FOUND')
  })

  test('takes another item', () => {
    given(...open)
      .when({ kind: 'add-item', item: lamp })
      .then({ type: 'ItemAdded', data: lamp })
  })

  test('adds quantities of one product up, at the price of now', () => {
    const dearer = { ...lamp, quantity: 1, unitPrice: euro(1_600) }
    const state = [created, { type: 'ItemAdded', data: dearer } as const].reduce(evolve, initialState(ID))
    assert.deepEqual(state.items, [{ ...dearer, quantity: 3 }, chair])
  })

  test('holds at most 999 of a product', () => {
    given(...open)
      .when({ kind: 'add-item', item: { ...lamp, quantity: 998 } })
      .thenFault('TOO_MANY_ITEMS')
  })

  test('holds at most 100 products', () => {
    const items = Array.from({ length: 101 }, (_, n) => ({ ...lamp, productId: `p-${n}` }))
    given().when({ kind: 'create', userId: 'u-1', items }).thenFault('TOO_MANY_ITEMS')
  })

  test('has one currency', () => {
    given(...open)
      .when({ kind: 'add-item', item: { ...lamp, productId: 'p-2', unitPrice: { amount: 1, currency: 'USD' } } })
      .thenFault('MIXED_CURRENCIES')
  })

  test('gives an item up', () => {
    given(...open)
      .when({ kind: 'remove-item', productId: 'p-lamp' })
      .then({ type: 'ItemRemoved', data: { productId: 'p-lamp' } })
  })

  test('can not give up what it does not have', () => {
    given(...open)
      .when({ kind: 'remove-item', productId: 'p-bed' })
      .thenFault('ITEM_NOT_IN_ORDER')
  })

  test('changes its items only while it is open', () => {
    for (const events of [pending, paying, done, [created, cancelled(false)]]) {
      given(...events)
        .when({ kind: 'add-item', item: lamp })
        .thenFault('ORDER_NOT_OPEN')
      given(...events)
        .when({ kind: 'remove-item', productId: 'p-lamp' })
        .thenFault('ORDER_NOT_OPEN')
      given(...events)
        .when(checkOut)
        .thenFault('ORDER_NOT_OPEN')
    }
  })
})

suite('a checkout', () => {
  test('starts with the total', () =>
    given(...open)
      .when(checkOut)
      .then(checkedOut))

  test('needs items', () => {
    given({ type: 'OrderCreated', data: { userId: 'u-1', items: [] } })
      .when(checkOut)
      .thenFault('ORDER_EMPTY')
  })

  test('is refused when a price has changed, with the new one', () => {
    const state = evolve(initialState(ID), created)
    assert.throws(
      () =>
        decide(
          {
            ...checkOut,
            prices: new Map([
              ['p-lamp', euro(1_400)],
              ['p-chair', euro(7_000)],
            ]),
          },
          state,
        ),
      error => {
        assert(isFault(error, 'PRICE_CHANGED'))
        assert.deepEqual(error.details, { prices: [{ productId: 'p-lamp', was: euro(1_500), now: euro(1_400) }] })
        return true
      },
    )
  })

  test('asks for payment once its stock is reserved, once', () => {
    given(...pending)
      .when({ kind: 'ask-for-payment' })
      .then(reserved, asked)
    given(...paying)
      .when({ kind: 'ask-for-payment' })
      .then()
  })

  test('asks for no payment after a cancellation', () => {
    given(...pending, cancelled(false))
      .when({ kind: 'ask-for-payment' })
      .then()
  })

  test('is confirmed by the payment, once', () => {
    given(...paying)
      .when(confirm)
      .then(captured, confirmed)
    given(...done)
      .when(confirm)
      .then()
  })

  test('fails without a refund before it is confirmed, with one after', () => {
    const failed = (refund: boolean): OrderEvent => ({
      type: 'OrderCancelled',
      data: { code: 'OUT_OF_STOCK', message: 'No lamps.', refund },
    })
    given(...pending)
      .when(fail)
      .then(failed(false))
    given(...paying)
      .when(fail)
      .then(failed(false))
    given(...done)
      .when(fail)
      .then(failed(true))
    given(...pending, failed(false))
      .when(fail)
      .then()
  })
})

suite('a cancellation', () => {
  test('is the customer’s before payment is asked for', () => {
    given(...open)
      .when(cancel('customer'))
      .then(cancelled(false))
    given(...pending)
      .when(cancel('customer'))
      .then(cancelled(false))
  })

  test('waits while the payment is in progress, for everybody', () => {
    given(...paying)
      .when(cancel('customer'))
      .thenFault('PAYMENT_IN_PROGRESS')
    given(...paying)
      .when(cancel('refunder'))
      .thenFault('PAYMENT_IN_PROGRESS')
  })

  test('of a confirmed order is the shop’s alone, and refunds', () => {
    given(...done)
      .when(cancel('customer'))
      .thenFault('REFUND_NOT_ALLOWED')
    given(...done)
      .when(cancel('refunder'))
      .then(cancelled(true))
  })

  test('happens once', () => {
    given(...open, cancelled(false))
      .when(cancel('customer'))
      .thenFault('ALREADY_CANCELLED')
    given(...done, cancelled(true))
      .when(cancel('refunder'))
      .thenFault('ALREADY_CANCELLED')
  })
})

suite('an order as its callers see it', () => {
  const times = { createdAt: 0, updatedAt: 1_000 }
  const seen = (...events: readonly OrderEvent[]) => toOrder(events.reduce(evolve, initialState(ID)), times)

  test('says what it waits for', () => {
    assert.equal(seen(...open).waitingFor, undefined)
    assert.equal(seen(...pending).waitingFor, 'stock')
    assert.equal(seen(...paying).waitingFor, 'payment')
    assert.equal(seen(...done).waitingFor, undefined)
  })

  test('has line totals and a total', () => {
    const order = seen(...open)
    assert.deepEqual(
      order.items.map(item => item.lineTotal),
      [euro(3_000), euro(7_000)],
    )
    assert.deepEqual(order.total, total)
  })

  test('says why it was cancelled', () => {
    assert.deepEqual(seen(...open, cancelled(false)).cancellation, { code: 'CANCELLED', message: 'Changed my mind.' })
  })
})

const anyLine = fc.record({
  productId: fc.constantFrom('p-1', 'p-2', 'p-3'),
  name: fc.constant('Thing'),
  quantity: fc.integer({ min: 1, max: 999 }),
  unitPrice: fc.record({ amount: fc.integer({ min: 0, max: 5_000 }), currency: fc.constantFrom('EUR', 'USD') }),
})
const anyCommand: fc.Arbitrary<OrderCommand> = fc.oneof(
  fc.record({ kind: fc.constant('add-item' as const), item: anyLine }),
  fc.record({ kind: fc.constant('remove-item' as const), productId: fc.constantFrom('p-1', 'p-2', 'p-3') }),
  fc.constant(checkOut),
  fc.constant<OrderCommand>({ kind: 'ask-for-payment' }),
  fc.constant(confirm),
  fc.constant(cancel('customer')),
  fc.constant(cancel('refunder')),
  fc.constant(fail),
)

test('whatever is asked of an order: one final state, payment asked for once, a refund only of a confirmed order', () => {
  fc.assert(
    fc.property(fc.array(anyLine, { maxLength: 3 }), fc.array(anyCommand, { maxLength: 20 }), (items, commands) => {
      let state: OrderState = initialState(ID)
      const history: OrderEvent[] = []
      for (const command of [{ kind: 'create' as const, userId: 'u-1', items }, ...commands]) {
        try {
          for (const event of decide(command, state)) {
            history.push(event)
            state = evolve(state, event)
          }
        } catch (error) {
          assert(isFault(error), String(error))
        }
      }
      const count = (type: OrderEvent['type']) => history.filter(event => event.type === type).length
      for (const type of [
        'OrderCreated',
        'CheckoutStarted',
        'PaymentRequested',
        'OrderConfirmed',
        'OrderCancelled',
      ] as const)
        assert(count(type) <= 1, `${count(type)} × ${type}`)
      for (const event of history)
        if (event.type === 'OrderCancelled') assert.equal(event.data.refund, count('OrderConfirmed') === 1)
      assert(
        state.items.every(item => item.quantity <= 999 && item.unitPrice.currency === totalOf(state.items).currency),
      )
    }),
  )
})
