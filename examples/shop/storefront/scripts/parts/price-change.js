import { h } from '../dom.js'
import { money } from '../format.js'
import { openDialog } from './dialog.js'

/**
 * Shows prices that changed while the order was open; resolves with whether they are accepted.
 *
 * @param {any} order
 * @param {readonly { productId: string, was: any, now: any }[]} prices
 * @returns {Promise<boolean>}
 */
export async function askNewPrices(order, prices) {
  const nameOf = id => order.items.find(item => item.productId === id)?.name ?? id
  const result = await openDialog('Prices have changed', close => [
    h(
      'p',
      {},
      'Since these were put in the basket, the shop has changed what they cost. Nothing has been ordered yet.',
    ),
    h(
      'table',
      { class: 'prices' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          h('th', { scope: 'col' }, 'Product'),
          h('th', { scope: 'col' }, 'Was'),
          h('th', { scope: 'col' }, 'Now'),
        ),
      ),
      h(
        'tbody',
        {},
        prices.map(({ productId, was, now }) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, nameOf(productId)),
            h('td', {}, h('s', {}, money(was))),
            h('td', { class: now.amount > was.amount ? 'dearer' : 'cheaper' }, money(now)),
          ),
        ),
      ),
    ),
    h('p', { class: 'price-total' }, 'New total ', h('strong', {}, money(newTotal(order, prices)))),
    h(
      'div',
      { class: 'row row-end' },
      h('button', { type: 'button', class: 'button', onclick: () => close(false) }, 'Back to the basket'),
      h(
        'button',
        { type: 'button', class: 'button button-main', onclick: () => close(true) },
        'Order at the new prices',
      ),
    ),
  ])
  return result === true
}

/** What an order will cost at the new prices. */
export function newTotal(order, prices) {
  const amount = order.items.reduce((sum, item) => {
    const price = prices.find(({ productId }) => productId === item.productId)?.now ?? item.unitPrice
    return sum + price.amount * item.quantity
  }, 0)
  return { amount, currency: prices[0]?.now.currency ?? order.total.currency }
}
