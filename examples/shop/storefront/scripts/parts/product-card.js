import { h } from '../dom.js'
import { money } from '../format.js'
import { categoryName } from '../state/catalogue.js'
import { addToBasket } from './add-to-basket.js'
import { availability } from './availability.js'
import { once } from './busy.js'
import { productArt } from './product-art.js'

/**
 * A product among others.
 *
 * @param {any} product
 * @param {AbortSignal} signal
 * @param {{ namesCategory?: boolean }} [options] `namesCategory`: the others are of other categories
 */
export function productCard(product, signal, { namesCategory = false } = {}) {
  const add = h(
    'button',
    {
      type: 'button',
      class: 'button button-small add',
      'aria-label': `Add ${product.name} to the basket`,
      onclick: () => once(add, () => addToBasket(product, 1)),
    },
    'Add',
  )
  return h(
    'li',
    { class: 'card' },
    h(
      'a',
      { class: 'card-link', href: `#/products/${encodeURIComponent(product.id)}` },
      productArt(product),
      namesCategory && h('span', { class: 'card-category' }, categoryName(product.category)),
      h('span', { class: 'card-name' }, product.name),
    ),
    h(
      'div',
      { class: 'card-foot' },
      h('span', { class: 'price' }, money(product.price)),
      add,
      availability(product.id, signal),
    ),
  )
}
