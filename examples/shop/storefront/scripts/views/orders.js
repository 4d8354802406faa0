import { h, renderInto } from '../dom.js'
import { money, when } from '../format.js'
import { get, withQuery } from '../net/api.js'
import { isCancelled } from '../parts/banner.js'
import { once } from '../parts/busy.js'
import { empty } from '../parts/empty.js'
import { statusWord } from '../parts/order-words.js'
import { signInFirst } from '../parts/sign-in-first.js'
import { trouble } from '../parts/trouble.js'
import { latest } from '../state/news.js'
import { session } from '../state/session.js'

const NAMED = 3

/** One's orders, newest first. */
export function ordersView(_query, signal) {
  const list = h('ul', { class: 'orders' })
  const more = h('div', { class: 'more' })
  const element = h('div', {}, h('h1', {}, 'Orders'), list, more)
  const view = { title: 'Orders', tab: 'orders', element }
  if (session.value === null) {
    element.append(signInFirst('Your orders are shown to you alone.'))
    return view
  }
  let page = /** @type {{ items: any[], nextCursor?: string }} */ ({ items: [] })
  void load()
  // An order that came to its end says so by a notification.
  latest.watch(item => {
    if (item?.orderId !== undefined && page.items.length > 0) void refresh(item.orderId)
  }, signal)
  return view

  async function load() {
    try {
      page = await get('/orders', { signal })
      show()
    } catch (error) {
      if (!isCancelled(error)) list.replaceChildren(h('li', {}, trouble(error, load)))
    }
  }

  async function extend() {
    const next = await get(withQuery('/orders', { cursor: page.nextCursor }), { signal })
    page = { ...next, items: [...page.items, ...next.items] }
    show()
  }

  async function refresh(orderId) {
    const order = await get(`/orders/${encodeURIComponent(orderId)}`, { signal }).catch(() => undefined)
    if (order === undefined || signal.aborted) return
    page = { ...page, items: page.items.map(other => (other.id === orderId ? order : other)) }
    show()
  }

  function show() {
    if (page.items.length === 0) {
      list.replaceChildren(
        h(
          'li',
          {},
          empty(
            { heading: 'No orders yet', text: 'The first one starts on the shelves.' },
            h('a', { class: 'button button-main', href: '#/' }, 'Look around'),
          ),
        ),
      )
      return
    }
    renderInto(list, page.items.map(row))
    const button = h(
      'button',
      { type: 'button', class: 'button', onclick: () => once(button, extend) },
      'Show earlier ones',
    )
    more.replaceChildren(...(page.nextCursor === undefined ? [] : [button]))
  }
}

function row(order) {
  const names = order.items
    .slice(0, NAMED)
    .map(item => (item.quantity === 1 ? item.name : `${item.quantity} × ${item.name}`))
  const rest = order.items.length - NAMED
  const words = order.items.length === 0 ? 'Empty' : names.join(', ') + (rest > 0 ? ` and ${rest} more` : '')
  return h(
    'li',
    {},
    h(
      'a',
      { class: 'order-row', href: `#/orders/${encodeURIComponent(order.id)}`, 'data-key': order.id },
      h('span', { class: `pill pill-${order.status}` }, statusWord(order)),
      h('span', { class: 'order-row-items' }, words),
      h('time', { class: 'quiet', datetime: order.createdAt }, when(order.createdAt)),
      h('span', { class: 'price' }, money(order.total)),
    ),
  )
}
