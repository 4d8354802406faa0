/**
 * The shop's five invariants, checked from the outside: on what lies in the files of the services and of the payment provider, and on what clients saw.
 * Nothing of the services' own code is asked, save to fold an order's events and to rebuild its projections.
 */
import { openEventStore } from 'trellis/events'
import { createRuntime } from 'trellis/kernel'
import { openServiceStore } from 'trellis/system'
import { dayOf } from '../analytics/figures.ts'
import type { OrderEvent, OrderState } from '../orders/order.ts'
import { evolve, initialState, reservationOf, totalOf } from '../orders/order.ts'
import { orderList } from '../orders/order-list.ts'
import type { Charge, Entry, Refund } from '../provider/charges.ts'
import type { ClientRecord } from './client-record.ts'
import type { ShopData, StoredEvent } from './shop-data.ts'
import { readShopData } from './shop-data.ts'

/** One checked sentence. */
export interface Finding {
  /** Number of the invariant, 1 to 5; 0: that the shop is at rest. */
  readonly invariant: 0 | 1 | 2 | 3 | 4 | 5
  readonly sentence: string
  /** How many things it was checked on. */
  readonly checked: number
  /** What breaks it. */
  readonly broken: readonly string[]
}

/** Checks everything that can be read beside a running shop. Without a record of the clients the third invariant is left out. */
export async function checkInvariants(folder: string, record?: ClientRecord): Promise<Finding[]> {
  const data = await readShopData(folder)
  const orders = foldOrders(data.events)
  return [
    atRest(data, orders),
    stockAddsUp(data),
    reservedIsOpen(data),
    oneFinalState(orders),
    confirmedIsPaid(data, orders),
    cancelledIsNotPaid(data, orders),
    everyChargeHasItsOrder(data, orders),
    ...(record === undefined
      ? []
      : [
          acceptedIsThere(data, orders, record),
          askedForOnce(orders, record),
          everyEffectWasWanted(data, orders, record),
        ]),
    oneNotification(data, orders),
    figuresAreCounts(data, orders),
    versionsWithoutGap(orders),
  ]
}

/** Builds the projections of a stopped shop anew and compares. */
export async function checkProjections(folder: string): Promise<Finding> {
  const runtime = createRuntime()
  await using store = await openServiceStore(runtime, { folder, environment: {} }, 'orders')
  await using events = await openEventStore(runtime, { store, projections: [orderList] })
  const rows = (): Promise<{ id: string }[]> => store.reader.all('select * from order_list order by id')
  const before = await rows()
  await events.rebuild(orderList.name)
  const after = await rows()
  const broken = before.flatMap((row, index) =>
    JSON.stringify(row) === JSON.stringify(after[index]) ? [] : [`order ${row.id} is shown otherwise than rebuilt`],
  )
  if (before.length !== after.length) broken.push(`${before.length} orders are shown, ${after.length} rebuilt`)
  return { invariant: 5, sentence: 'every projection equals a rebuild', checked: after.length, broken }
}

interface FoldedOrder {
  readonly id: string
  readonly state: OrderState
  readonly events: readonly StoredEvent[]
}

function foldOrders(events: readonly StoredEvent[]): ReadonlyMap<string, FoldedOrder> {
  const byOrder = Map.groupBy(events, event => event.aggregate_id)
  return new Map(
    [...byOrder].map(([id, own]) => {
      const state = own.reduce(
        (before, { type, data }) => evolve(before, { type, data: JSON.parse(data) } as OrderEvent),
        initialState(id),
      )
      return [id, { id, state, events: own }]
    }),
  )
}

const countOf = (order: FoldedOrder, type: OrderEvent['type']): number =>
  order.events.filter(event => event.type === type).length

function atRest(data: ShopData, orders: ReadonlyMap<string, FoldedOrder>): Finding {
  const pending = [...orders.values()].filter(({ state }) => state.status === 'pending')
  const broken = [
    ...pending.map(
      ({ id, state }) => `order ${id} is pending, ${state.paymentRequested ? 'payment' : 'stock'} is awaited`,
    ),
    ...Object.entries(data.underway).flatMap(([name, count]) => (count === 0 ? [] : [`${name}: ${count}`])),
  ]
  const checked = orders.size + Object.keys(data.underway).length
  return { invariant: 0, sentence: 'nothing is on its way, nothing was set aside', checked, broken }
}

function stockAddsUp(data: ShopData): Finding {
  const adjusted = sums(
    data.adjustments,
    row => row.product_id,
    row => row.delta,
  )
  const committed = lineSums(data, 'committed')
  const broken = data.stock.flatMap(({ product_id, on_hand, reserved }) => {
    const expected = (adjusted.get(product_id) ?? 0) - (committed.get(product_id) ?? 0)
    if (on_hand !== expected) return [`${product_id} has ${on_hand} on hand; the records say ${expected}`]
    return on_hand - reserved < 0 ? [`${product_id} has ${on_hand - reserved} available`] : []
  })
  const sentence = 'on hand = adjustments − committed; available is never below 0'
  return { invariant: 1, sentence, checked: data.stock.length, broken }
}

function reservedIsOpen(data: ShopData): Finding {
  const open = lineSums(data, 'reserved')
  const broken = data.stock.flatMap(({ product_id, reserved }) => {
    const expected = open.get(product_id) ?? 0
    return reserved === expected ? [] : [`${product_id} has ${reserved} reserved; open reservations have ${expected}`]
  })
  return { invariant: 1, sentence: 'reserved = sum of open reservations', checked: data.stock.length, broken }
}

function oneFinalState(orders: ReadonlyMap<string, FoldedOrder>): Finding {
  const broken = [...orders.values()].flatMap(order => {
    const [confirmed, cancelled] = [countOf(order, 'OrderConfirmed'), countOf(order, 'OrderCancelled')]
    if (confirmed > 1 || cancelled > 1) return [`order ${order.id}: ${confirmed} × confirmed, ${cancelled} × cancelled`]
    const started = countOf(order, 'CheckoutStarted') === 1
    const settled = confirmed + cancelled > 0
    return started && !settled ? [`order ${order.id} was checked out and has no final state`] : []
  })
  return { invariant: 2, sentence: 'one final state for each order', checked: orders.size, broken }
}

function confirmedIsPaid(data: ShopData, orders: ReadonlyMap<string, FoldedOrder>): Finding {
  const books = booksOf(data.provider)
  const held = heldOf(data)
  const payments = new Map(data.payments.map(row => [row.order_id, row]))
  const confirmed = [...orders.values()].filter(({ state }) => state.status === 'confirmed')
  const broken = confirmed.flatMap(({ id, state }) => {
    const total = totalOf(state.items)
    const { captures, refunds } = split(books.get(id))
    const [capture] = captures
    const says: string[] = []
    if (captures.length !== 1) says.push(`${captures.length} captures`)
    else if (capture?.amount !== total.amount || capture.currency !== total.currency)
      says.push(`captured ${capture?.amount} of ${total.amount}`)
    if (refunds.length > 0) says.push('a refund')
    const { state: stock, lines } = held.get(reservationOf(id)) ?? { state: 'none', lines: '' }
    if (stock !== 'committed') says.push(`stock ${stock}`)
    else if (lines !== linesText(state.items.map(item => ({ product_id: item.productId, quantity: item.quantity }))))
      says.push('other stock was committed')
    const payment = payments.get(id)?.status
    if (payment !== 'captured') says.push(`payment ${payment}`)
    return says.length === 0 ? [] : [`confirmed order ${id}: ${says.join(', ')}`]
  })
  const sentence = 'confirmed: one capture of the exact total, stock committed'
  return { invariant: 2, sentence, checked: confirmed.length, broken }
}

function cancelledIsNotPaid(data: ShopData, orders: ReadonlyMap<string, FoldedOrder>): Finding {
  const books = booksOf(data.provider)
  const held = heldOf(data)
  const cancelled = [...orders.values()].filter(({ state }) => state.status === 'cancelled')
  const broken = cancelled.flatMap(({ id }) => {
    const { captures, refunds } = split(books.get(id))
    const says: string[] = []
    if (captures.length > 1 || captures.length !== refunds.length)
      says.push(`${captures.length} captures and ${refunds.length} refunds`)
    else if (captures[0]?.amount !== refunds[0]?.amount) says.push('refunded another amount than captured')
    const stock = held.get(reservationOf(id))?.state
    if (stock === 'reserved' || stock === 'committed') says.push(`stock ${stock}`)
    return says.length === 0 ? [] : [`cancelled order ${id}: ${says.join(', ')}`]
  })
  const sentence = 'cancelled: no capture, or one and its refund; no stock held'
  return { invariant: 2, sentence, checked: cancelled.length, broken }
}

function everyChargeHasItsOrder(data: ShopData, orders: ReadonlyMap<string, FoldedOrder>): Finding {
  const seen = new Set<string>()
  const broken = data.provider.flatMap(entry => {
    const id = orderOf(entry)
    const twice = seen.has(entry.key)
    seen.add(entry.key)
    if (twice) return [`${entry.key} is in the provider's log twice`]
    const status = orders.get(id)?.state.status
    return status === 'confirmed' || status === 'cancelled' ? [] : [`${entry.key}: the order is ${status ?? 'unknown'}`]
  })
  const sentence = 'every charge and refund of the provider belongs to a settled order'
  return { invariant: 2, sentence, checked: data.provider.length, broken }
}

function acceptedIsThere(data: ShopData, orders: ReadonlyMap<string, FoldedOrder>, record: ClientRecord): Finding {
  const accounts = new Set(data.accounts.map(({ email }) => email))
  const accepted = record.wishes.filter(({ outcome }) => outcome === 'accepted')
  const broken = accepted.flatMap(({ kind, traceId, who, orderId, delta }) => {
    switch (kind) {
      case 'register':
        return accounts.has(who) ? [] : [`the account ${who} is lost`]
      case 'adjust': {
        const found = data.adjustments.filter(row => row.reason === traceId)
        return found.length === 1 && found[0]?.delta === delta ? [] : [`${found.length} adjustments of ${traceId}`]
      }
      default: {
        const type = EVENTS[kind]
        const events = orders.get(orderId ?? '')?.events ?? []
        const found = events.filter(event => event.type === type && event.correlation_id === traceId)
        return found.length === 1 ? [] : [`${found.length} × ${type} of ${traceId} in order ${orderId}`]
      }
    }
  })
  return { invariant: 3, sentence: 'every accepted request is in the history, once', checked: accepted.length, broken }
}

const EVENTS = {
  order: 'OrderCreated',
  'add-item': 'ItemAdded',
  'check-out': 'CheckoutStarted',
  cancel: 'OrderCancelled',
} as const satisfies Partial<Record<string, OrderEvent['type']>>

function askedForOnce(orders: ReadonlyMap<string, FoldedOrder>, record: ClientRecord): Finding {
  const wishes = new Map(record.wishes.filter(({ kind }) => kind === 'order').map(wish => [wish.traceId, wish]))
  const seen = new Set<string>()
  const broken = [...orders.values()].flatMap(({ id, events }) => {
    const traceId = events[0]?.correlation_id ?? ''
    const wish = wishes.get(traceId)
    const twice = seen.has(traceId)
    seen.add(traceId)
    if (twice) return [`order ${id} is a second one of request ${traceId}`]
    if (wish === undefined) return [`nobody asked for order ${id}`]
    if (wish.outcome === 'refused') return [`order ${id} was refused to its client (${wish.reason})`]
    return wish.orderId === undefined || wish.orderId === id ? [] : [`the client was told ${wish.orderId} for ${id}`]
  })
  const sentence = 'every order was asked for by exactly one accepted or unanswered request'
  return { invariant: 3, sentence, checked: orders.size, broken }
}

/** What a refused request left behind, or an unanswered one twice, is an effect that nobody wanted. */
function everyEffectWasWanted(data: ShopData, orders: ReadonlyMap<string, FoldedOrder>, record: ClientRecord): Finding {
  const wishes = new Map(record.wishes.map(wish => [`${wish.kind} ${wish.traceId}`, wish]))
  const types = new Map<string, string>(Object.entries(EVENTS).map(([kind, type]) => [type, kind]))
  const customersOwn = ({ type, data }: StoredEvent): boolean =>
    type !== 'OrderCancelled' || JSON.parse(data).code === 'CANCELLED'
  const effects = [
    ...[...orders.values()].flatMap(({ id, events }) =>
      events
        .filter(event => types.has(event.type) && customersOwn(event))
        .map(event => ({ what: `${event.type} of ${id}`, of: `${types.get(event.type)} ${event.correlation_id}` })),
    ),
    ...data.adjustments
      .filter(({ id }) => !id.startsWith('seed-'))
      .map(({ product_id, reason }) => ({ what: `adjustment of ${product_id}`, of: `adjust ${reason}` })),
  ]
  const seen = new Set<string>()
  const broken = effects.flatMap(({ what, of }) => {
    const twice = seen.has(of)
    seen.add(of)
    const outcome = wishes.get(of)?.outcome
    if (twice) return [`${what} came of ${of}, a second time`]
    return outcome === 'accepted' || outcome === 'unanswered' ? [] : [`${what} came of ${of}: ${outcome ?? 'unknown'}`]
  })
  const sentence = 'every other effect was asked for by exactly one, too; a refusal has none'
  return { invariant: 3, sentence, checked: effects.length, broken }
}

function oneNotification(data: ShopData, orders: ReadonlyMap<string, FoldedOrder>): Finding {
  const letters = Map.groupBy(data.notifications, row => `${row.order_id} ${row.kind}`)
  const broken: string[] = []
  let expected = 0
  for (const order of orders.values()) {
    for (const [type, kind] of [
      ['OrderConfirmed', 'order-confirmed'],
      ['OrderCancelled', 'order-cancelled'],
    ] as const) {
      const wanted = countOf(order, type)
      const found = letters.get(`${order.id} ${kind}`)?.length ?? 0
      expected += wanted
      if (wanted !== found) broken.push(`order ${order.id}: ${found} notifications for ${wanted} × ${type}`)
    }
  }
  const welcomes = Map.groupBy(
    data.notifications.filter(({ kind }) => kind === 'welcome'),
    row => row.user_id,
  )
  for (const { id } of data.accounts) {
    expected++
    const found = welcomes.get(id)?.length ?? 0
    if (found !== 1) broken.push(`user ${id}: ${found} welcomes`)
  }
  if (data.notifications.length !== expected)
    broken.push(`${data.notifications.length} notifications, ${expected} reasons for one`)
  return { invariant: 4, sentence: 'one notification for each final state', checked: expected, broken }
}

function figuresAreCounts(data: ShopData, orders: ReadonlyMap<string, FoldedOrder>): Finding {
  const counts = new Map<string, number>()
  const count = (time: number, name: string, by: number): void => {
    const key = `${dayOf(time)} ${name}`
    counts.set(key, (counts.get(key) ?? 0) + by)
  }
  const names = {
    OrderCreated: 'orders-created',
    OrderConfirmed: 'orders-confirmed',
    OrderCancelled: 'orders-cancelled',
  } as Readonly<Record<string, string>>
  for (const account of data.accounts) count(account.created_at, 'registrations', 1)
  for (const { events } of orders.values()) {
    for (const { type, recorded_at } of events) {
      const name = names[type]
      if (name !== undefined) count(recorded_at, name, 1)
    }
  }
  for (const { status, amount, currency, at } of data.payments) {
    if (status !== 'declined') count(at, `revenue-${currency}`, amount)
  }
  for (const { amount, currency, at } of data.refunds) count(at, `revenue-${currency}`, -amount)
  const figures = new Map(data.figures.map(({ day, name, amount }) => [`${day} ${name}`, amount]))
  const keys = new Set([...counts.keys(), ...figures.keys()])
  const broken = [...keys].flatMap(key => {
    const [figure, counted] = [figures.get(key) ?? 0, counts.get(key) ?? 0]
    return figure === counted ? [] : [`${key}: the figure is ${figure}, the count ${counted}`]
  })
  return { invariant: 4, sentence: 'the daily figures equal a count over the histories', checked: keys.size, broken }
}

function versionsWithoutGap(orders: ReadonlyMap<string, FoldedOrder>): Finding {
  const broken = [...orders.values()].flatMap(({ id, events }) =>
    events.every((event, index) => event.version === index + 1)
      ? []
      : [`order ${id} has the versions ${events.map(({ version }) => version).join(', ')}`],
  )
  const checked = [...orders.values()].reduce((sum, { events }) => sum + events.length, 0)
  return { invariant: 5, sentence: 'event versions are 1..n without gap or double', checked, broken }
}

interface Books {
  readonly captures: readonly Charge[]
  readonly refunds: readonly Refund[]
}

const NOTHING: Books = { captures: [], refunds: [] }

/** The order of an entry, by its key: `charge-<order>` or `refund-<order>`. */
const orderOf = (entry: Entry): string => entry.key.slice(entry.kind.length + 1)

function booksOf(entries: readonly Entry[]): ReadonlyMap<string, readonly Entry[]> {
  return Map.groupBy(entries, orderOf)
}

function split(entries: readonly Entry[] | undefined): Books {
  if (entries === undefined) return NOTHING
  return {
    captures: entries.filter(entry => entry.kind === 'charge').filter(({ status }) => status === 'captured'),
    refunds: entries.filter(entry => entry.kind === 'refund'),
  }
}

function heldOf(data: ShopData): ReadonlyMap<string, { readonly state: string; readonly lines: string }> {
  const lines = Map.groupBy(data.lines, line => line.reservation_id)
  return new Map(data.reservations.map(({ id, state }) => [id, { state, lines: linesText(lines.get(id) ?? []) }]))
}

function linesText(lines: readonly { readonly product_id: string; readonly quantity: number }[]): string {
  return lines
    .map(line => `${line.product_id}×${line.quantity}`)
    .sort()
    .join(' ')
}

function lineSums(data: ShopData, state: string): ReadonlyMap<string, number> {
  const inState = new Set(data.reservations.filter(row => row.state === state).map(({ id }) => id))
  const lines = data.lines.filter(line => inState.has(line.reservation_id))
  return sums(
    lines,
    line => line.product_id,
    line => line.quantity,
  )
}

function sums<T>(rows: readonly T[], key: (row: T) => string, amount: (row: T) => number): ReadonlyMap<string, number> {
  const total = new Map<string, number>()
  for (const row of rows) total.set(key(row), (total.get(key(row)) ?? 0) + amount(row))
  return total
}
