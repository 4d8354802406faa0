import { h } from '../dom.js'
import { empty } from '../parts/empty.js'

/** An address that leads nowhere. */
export function missingView() {
  const element = h(
    'div',
    {},
    h('h1', { class: 'unseen' }, 'Not found'),
    empty(
      { heading: 'There is nothing here', text: 'The address may be old, or mistyped.' },
      h('a', { class: 'button', href: '#/' }, 'To the shop'),
    ),
  )
  return { title: 'Not found', tab: '', element }
}
