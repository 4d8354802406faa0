import { h } from '../dom.js'
import { isCancelled } from '../parts/banner.js'
import { empty } from '../parts/empty.js'
import { signInFirst } from '../parts/sign-in-first.js'
import { trouble } from '../parts/trouble.js'
import { basket, loadBasket } from '../state/basket.js'
import { session } from '../state/session.js'
import { showOrder } from './order.js'

/** The order that is being filled. */
export function basketView(_query, signal) {
  const element = h('div', {}, h('h1', {}, 'Basket'))
  const view = { title: 'Basket', tab: 'basket', element }
  if (session.value === null) {
    element.append(signInFirst('Your basket is kept in the shop, under your name.'))
    return view
  }
  void load()
  return view

  async function load() {
    try {
      const open = basket.value === undefined || basket.value === null ? await loadBasket() : basket.value
      if (signal.aborted) return
      if (open !== null) return showOrder(open.id, element, signal, { isBasket: true })
      element.replaceChildren(
        h('h1', {}, 'Basket'),
        empty(
          { heading: 'Nothing in it yet', text: 'Things that you add wait here until you check out.' },
          h('a', { class: 'button button-main', href: '#/' }, 'Look around'),
          h('a', { class: 'button', href: '#/orders' }, 'Earlier orders'),
        ),
      )
    } catch (error) {
      if (!isCancelled(error)) element.replaceChildren(h('h1', {}, 'Basket'), trouble(error, load))
    }
  }
}
