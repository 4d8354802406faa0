/** The parts of the header that follow the state: badges, who is signed in; and the search. */
import { h, renderInto } from '../dom.js'
import { count } from '../format.js'
import { go } from '../router.js'
import { basket } from '../state/basket.js'
import { unseen } from '../state/news.js'
import { session } from '../state/session.js'
import { askAccount } from './account-dialog.js'

export function startHeader() {
  const account = /** @type {HTMLElement} */ (document.getElementById('account'))
  session.watch(current => {
    renderInto(account, current === null ? signInButton() : accountLink(current.user))
  })
  basket.watch(order => {
    const pieces = (order?.items ?? []).reduce((sum, item) => sum + item.quantity, 0)
    badge('basket-badge', pieces, count(pieces, 'piece'))
  })
  unseen.watch(number => badge('news-badge', number, `${number} new`))

  const search = /** @type {HTMLFormElement} */ (document.getElementById('search'))
  const input = /** @type {HTMLInputElement} */ (document.getElementById('q'))
  let pending = 0
  const find = () => {
    clearTimeout(pending)
    const q = input.value.trim()
    go(q === '' ? '#/' : `#/?q=${encodeURIComponent(q)}`)
  }
  search.addEventListener('submit', event => {
    event.preventDefault()
    find()
  })
  input.addEventListener('input', () => {
    clearTimeout(pending)
    pending = setTimeout(find, 300)
  })
}

function signInButton() {
  return h(
    'button',
    { type: 'button', class: 'button button-small', 'data-key': 'account', onclick: () => askAccount('sign-in') },
    'Sign in',
  )
}

function accountLink(user) {
  const letter = [...user.name.trim()][0] ?? '?'
  return h(
    'a',
    { href: '#/account', class: 'me', 'data-key': 'account', 'aria-label': `Account of ${user.name}` },
    h('span', { class: 'me-letter', 'aria-hidden': 'true' }, letter.toUpperCase()),
    h('span', { class: 'me-name' }, user.name),
  )
}

function badge(id, number, words) {
  const place = /** @type {HTMLElement} */ (document.getElementById(id))
  place.hidden = number === 0
  renderInto(
    place,
    h('span', { 'aria-hidden': 'true' }, number > 99 ? '99+' : String(number)),
    h('span', { class: 'unseen' }, ` ${words}`),
  )
}
