import { h, renderInto } from '../dom.js'
import { when } from '../format.js'
import { once } from '../parts/busy.js'
import { empty } from '../parts/empty.js'
import { signInFirst } from '../parts/sign-in-first.js'
import { trouble } from '../parts/trouble.js'
import { hasOlder, loadOlder, markSeen, news, newsProblem, reloadNews } from '../state/news.js'
import { session } from '../state/session.js'

/** What the shop has told one, newest first; new ones come in by themselves. */
export function notificationsView(_query, signal) {
  const place = h('div', {})
  const element = h('div', {}, h('h1', {}, 'Notifications'), place)
  const view = { title: 'Notifications', tab: 'notifications', element }
  if (session.value === null) {
    element.append(signInFirst('The shop writes here when an order is confirmed, or can’t be.'))
    return view
  }
  news.watch(show, signal)
  newsProblem.watch(show, signal)
  return view

  function show() {
    if (news.value === undefined) {
      const problem = newsProblem.value
      return place.replaceChildren(...(problem === undefined ? [] : [trouble(problem, reloadNews)]))
    }
    if (news.value.length === 0) {
      return renderInto(place, empty({ heading: 'All quiet', text: 'News about your orders appears here by itself.' }))
    }
    const older = h(
      'button',
      { type: 'button', class: 'button', 'data-key': 'older', onclick: () => once(older, loadOlder) },
      'Show earlier ones',
    )
    renderInto(place, h('ul', { class: 'news' }, news.value.map(row)), hasOlder() && h('div', { class: 'more' }, older))
    markSeen()
  }
}

function row(item) {
  return h(
    'li',
    { class: `news-item news-${item.kind}`, 'data-kind': item.kind },
    h('h2', {}, item.subject),
    h('p', {}, item.text),
    h(
      'p',
      { class: 'quiet' },
      h('time', { datetime: item.at }, when(item.at)),
      item.orderId &&
        h(
          'a',
          { href: `#/orders/${encodeURIComponent(item.orderId)}`, 'data-key': `order-${item.id}` },
          'See the order',
        ),
    ),
  )
}
