import { h } from '../dom.js'
import { announce } from '../parts/announce.js'
import { describe } from '../parts/banner.js'
import { once } from '../parts/busy.js'
import { signInFirst } from '../parts/sign-in-first.js'
import { go } from '../router.js'
import { changeProfile } from '../state/account.js'
import { endSession, session } from '../state/session.js'

/** The profile of who is signed in. */
export function accountView(_query, signal) {
  const element = h('div', { class: 'narrow' }, h('h1', {}, 'Account'))
  const view = { title: 'Account', tab: 'account', element }
  const user = session.value?.user
  if (user === undefined) {
    element.append(signInFirst('Sign in to see your profile.'))
    return view
  }
  const name = h('input', { id: 'name', autocomplete: 'name', required: true, maxlength: 100, value: user.name })
  const letters = h('input', { id: 'newsletter', type: 'checkbox', checked: user.preferences.newsletter === true })
  const outcome = h('p', { class: 'field-outcome', role: 'status' })
  const save = h('button', { type: 'submit', class: 'button button-main' }, 'Save')
  element.append(
    h('p', { class: 'quiet' }, user.email),
    h(
      'form',
      {
        class: 'fields panel',
        oninput: () => outcome.replaceChildren(),
        onsubmit: event => {
          event.preventDefault()
          once(
            save,
            async () => {
              await changeProfile({ name: name.value.trim(), preferences: { newsletter: letters.checked } })
              if (!signal.aborted) outcome.textContent = 'Saved.'
            },
            error => {
              outcome.textContent = describe(error).text
            },
          )
        },
      },
      h('div', { class: 'field' }, h('label', { for: 'name' }, 'Name'), name),
      h('div', { class: 'check' }, letters, h('label', { for: 'newsletter' }, 'Send me the newsletter')),
      h('div', { class: 'row' }, save, outcome),
    ),
    h(
      'button',
      {
        type: 'button',
        class: 'button',
        onclick: () => {
          endSession('signed-out')
          announce('Signed out.')
          go('#/')
        },
      },
      'Sign out',
    ),
  )
  return view
}
