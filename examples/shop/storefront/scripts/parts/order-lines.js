import { h, renderInto } from '../dom.js'
import { money } from '../format.js'
import { knownProduct } from '../state/catalogue.js'
import { productArt } from './product-art.js'
import { stepper } from './stepper.js'

/**
 * The items of an order with their total; with `change`, quantities can be set (0 takes an item out).
 *
 * @param {any} order
 * @param {((productId: string, quantity: number) => unknown) | undefined} change
 * @param {AbortSignal} signal
 */
export function orderLines(order, change, signal) {
  return [
    h(
      'ul',
      { class: 'lines' },
      order.items.map(item => row(item, change, signal)),
    ),
    h('p', { class: 'total' }, h('span', {}, 'Total'), h('strong', { class: 'price' }, money(order.total))),
  ]
}

function row(item, change, signal) {
  const { productId, name, quantity, unitPrice, lineTotal } = item
  const art = h('div', { class: 'line-art' })
  // The order knows what a thing is called and costs; its colours are the catalogue's business, and come when they can.
  void knownProduct(productId, signal).then(product => renderInto(art, productArt(product ?? { id: productId })))
  return h(
    'li',
    { class: 'line-item', 'data-product': productId },
    art,
    h(
      'div',
      { class: 'line-words' },
      h('a', { href: `#/products/${encodeURIComponent(productId)}`, 'data-key': `name-${productId}` }, name),
      h(
        'span',
        { class: 'quiet' },
        change === undefined ? `${quantity} × ${money(unitPrice)}` : `${money(unitPrice)} each`,
      ),
    ),
    change &&
      h(
        'div',
        { class: 'line-controls' },
        stepper({
          label: `How many of ${name}`,
          value: quantity,
          key: `quantity-${productId}`,
          onchange: next => change(productId, next),
        }),
        h(
          'button',
          {
            type: 'button',
            class: 'text-button',
            'data-key': `remove-${productId}`,
            'aria-label': `Remove ${name}`,
            onclick: () => change(productId, 0),
          },
          'Remove',
        ),
      ),
    h('span', { class: 'price line-total' }, money(lineTotal)),
  )
}
