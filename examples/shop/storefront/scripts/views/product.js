import { h } from '../dom.js'
import { money } from '../format.js'
import { addToBasket } from '../parts/add-to-basket.js'
import { availability } from '../parts/availability.js'
import { isCancelled } from '../parts/banner.js'
import { once } from '../parts/busy.js'
import { productArt } from '../parts/product-art.js'
import { productCard } from '../parts/product-card.js'
import { stepper } from '../parts/stepper.js'
import { trouble } from '../parts/trouble.js'
import { categoryName, findProduct, findProducts } from '../state/catalogue.js'
import { missingView } from './missing.js'

/** One product. */
export function productView(_query, signal, { id }) {
  const alsoPlace = h('section', { class: 'also' })
  const element = h('article', { class: 'product' }, h('h1', {}, '\u00a0'))
  const view = { title: 'Product', tab: 'shop', element }
  void load()
  return view

  async function load() {
    try {
      const product = await findProduct(id, signal)
      show(product)
    } catch (error) {
      if (isCancelled(error)) return
      element.replaceChildren(error.status === 404 ? missingView().element : trouble(error, load))
    }
  }

  function show(product) {
    document.title = `${product.name} · Espalier`
    let quantity = 1
    const add = h(
      'button',
      { type: 'button', class: 'button button-main', onclick: () => once(add, () => addToBasket(product, quantity)) },
      'Add to the basket',
    )
    const hadFocus = element.contains(document.activeElement)
    element.replaceChildren(
      h('div', { class: 'product-picture' }, productArt(product)),
      h(
        'div',
        { class: 'product-words' },
        h(
          'p',
          { class: 'crumb' },
          h('a', { href: `#/?category=${encodeURIComponent(product.category)}` }, categoryName(product.category)),
        ),
        h('h1', { tabindex: -1 }, product.name),
        h('p', { class: 'product-description' }, product.description),
        h('p', { class: 'product-price' }, money(product.price)),
        availability(product.id, signal),
        product.active
          ? h(
              'div',
              { class: 'row' },
              stepper({
                label: `How many of ${product.name}`,
                value: 1,
                key: 'quantity',
                onchange: next => {
                  quantity = next
                },
              }),
              add,
            )
          : h('p', { class: 'note' }, 'No longer for sale.'),
      ),
      alsoPlace,
    )
    if (hadFocus) element.querySelector('h1')?.focus({ preventScroll: true })
    void showOthers(product)
  }

  /** Others of the shelf: left out without a word when they can't be had. */
  async function showOthers(product) {
    const page = await findProducts(
      { category: product.category, q: undefined, cursor: undefined, limit: 25 },
      signal,
    ).catch(() => undefined)
    if (page === undefined || signal.aborted) return
    const at = page.items.findIndex(other => other.id === product.id)
    const others = [...page.items.slice(at + 1), ...page.items.slice(0, Math.max(0, at))].slice(0, 4)
    if (others.length === 0) return
    alsoPlace.replaceChildren(
      h('h2', {}, `More from ${categoryName(product.category)}`),
      h(
        'ul',
        { class: 'shelf' },
        others.map(other => productCard(other, signal)),
      ),
    )
  }
}
