/** The stations of an order, and how far it has come. */
import { h, icon } from '../dom.js'

const stations = [
  { id: 'placed', name: 'Placed', reachedBy: 'CheckoutStarted' },
  { id: 'stock', name: 'Set aside', reachedBy: 'StockReserved' },
  { id: 'payment', name: 'Paid', reachedBy: 'PaymentCaptured' },
  { id: 'confirmed', name: 'Confirmed', reachedBy: 'OrderConfirmed' },
]

/**
 * @param {{ status: string }} order
 * @param {readonly { type: string }[]} entries
 */
export function orderTrack(order, entries) {
  const reached = stations.filter(({ reachedBy }) => entries.some(entry => entry.type === reachedBy)).length
  const isOver = order.status === 'cancelled'
  return h(
    'ol',
    { class: 'track', 'aria-label': 'How far the order is' },
    stations.map(({ id, name }, at) => {
      const state =
        at < reached ? 'done' : at > reached || order.status === 'confirmed' ? 'ahead' : isOver ? 'broken' : 'now'
      return h(
        'li',
        { class: `station station-${state}`, 'data-station': id, 'aria-current': state === 'now' ? 'step' : undefined },
        h('span', { class: 'station-mark' }, marks[state]?.()),
        h('span', { class: 'station-name' }, name),
        h('span', { class: 'unseen' }, words[state]),
      )
    }),
  )
}

const marks = { done: () => icon('M6 12.5 10 17l8-9'), broken: () => icon('M7 7l10 10M17 7 7 17') }
const words = { done: ', done', now: ', under way', broken: ', not reached', ahead: ', to come' }
