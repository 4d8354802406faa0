import { h } from '../dom.js'
import { askAccount } from './account-dialog.js'
import { empty } from './empty.js'

/** Stands for a view that needs to know who is looking. */
export function signInFirst(text) {
  return empty(
    { heading: 'Who is it?', text },
    h('button', { type: 'button', class: 'button button-main', onclick: () => askAccount('sign-in') }, 'Sign in'),
    h('button', { type: 'button', class: 'button', onclick: () => askAccount('register') }, 'Create account'),
  )
}
