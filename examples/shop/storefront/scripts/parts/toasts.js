/** News that come while one is doing something else: shown at the edge for a while, and told to those who listen. */
import { h, icon } from '../dom.js'
import { latest } from '../state/news.js'
import { announce } from './announce.js'

const SHOWN_MS = 8_000

export function startToasts() {
  latest.watch(item => {
    if (item === undefined) return
    announce(`${item.subject}. ${item.text}`)
    if (!isOnView(item)) show(item)
  })
}

/** Whether the view shows it by itself: the list of news, or the order that it is about. */
function isOnView({ orderId }) {
  const { hash } = location
  return (
    hash.startsWith('#/notifications') || (orderId !== undefined && hash.endsWith(`/${encodeURIComponent(orderId)}`))
  )
}

function show(item) {
  const place = /** @type {HTMLElement} */ (document.getElementById('toasts'))
  let timer = 0
  const close = () => {
    clearTimeout(timer)
    toast.remove()
  }
  // Whoever reads, or has the focus in it, is left to it.
  const stay = () => clearTimeout(timer)
  const leave = () => {
    clearTimeout(timer)
    timer = setTimeout(close, SHOWN_MS)
  }
  const toast = h(
    'div',
    { class: 'toast', onmouseenter: stay, onfocusin: stay, onmouseleave: leave, onfocusout: leave },
    h(
      'div',
      {},
      h('strong', {}, item.subject),
      h('p', {}, item.text),
      item.orderId && h('a', { href: `#/orders/${encodeURIComponent(item.orderId)}`, onclick: close }, 'See the order'),
    ),
    h(
      'button',
      { type: 'button', class: 'close', 'aria-label': 'Dismiss', onclick: close },
      icon('M6 6l12 12M18 6 6 18'),
    ),
  )
  place.append(toast)
  while (place.childElementCount > 3) place.firstElementChild?.remove()
  leave()
}
