import { h, renderInto } from '../dom.js'
import { register, signIn } from '../state/account.js'
import { session } from '../state/session.js'
import { announce } from './announce.js'
import { describe } from './banner.js'
import { once } from './busy.js'
import { openDialog } from './dialog.js'

const LEAST_PASSWORD = 10
let open = /** @type {Promise<boolean> | undefined} */ (undefined)

/**
 * Resolves with whether somebody is signed in: at once, or after asking.
 *
 * @param {string} [why] what it is needed for
 * @returns {Promise<boolean>}
 */
export function signedIn(why) {
  if (session.value !== null) return Promise.resolve(true)
  return askAccount('sign-in', why)
}

/**
 * Opens the dialog; a second request while it is open waits for the same one.
 *
 * @param {'sign-in' | 'register'} mode
 * @param {string} [why]
 * @returns {Promise<boolean>}
 */
export function askAccount(mode, why) {
  open ??= openDialog('Your account', close => form(mode, why, close)).then(result => {
    open = undefined
    return result === true
  })
  return open
}

function form(mode, why, close) {
  const place = h('div', { class: 'account-form' })
  const kept = { email: '', name: '' }
  const show = next => {
    const { element, first } = fields(next, kept, close)
    renderInto(
      place,
      why && h('p', { class: 'quiet' }, why),
      h(
        'div',
        { class: 'segments', role: 'group', 'aria-label': 'What to do' },
        segment('sign-in', 'Sign in', next, show),
        segment('register', 'Create account', next, show),
      ),
      element,
    )
    return first
  }
  const first = show(mode)
  first.autofocus = true
  return place
}

function segment(mode, label, current, show) {
  const pressed = mode === current
  return h(
    'button',
    { type: 'button', 'data-key': mode, 'aria-pressed': String(pressed), onclick: () => show(mode) },
    label,
  )
}

function fields(mode, kept, close) {
  const isNew = mode === 'register'
  const problem = h('p', { class: 'field-problem', role: 'alert', id: 'account-problem' })
  const name = h('input', {
    id: 'account-name',
    name: 'name',
    autocomplete: 'name',
    required: true,
    maxlength: 100,
    value: kept.name,
  })
  const email = h('input', {
    id: 'account-email',
    name: 'email',
    type: 'email',
    autocomplete: 'username',
    required: true,
    maxlength: 254,
    value: kept.email,
  })
  const password = h('input', {
    id: 'account-password',
    name: 'password',
    type: 'password',
    autocomplete: isNew ? 'new-password' : 'current-password',
    required: true,
    maxlength: 200,
    minlength: isNew ? LEAST_PASSWORD : undefined,
    'aria-describedby': isNew ? 'password-hint account-problem' : 'account-problem',
  })
  const submit = h('button', { type: 'submit', class: 'button button-main wide' }, isNew ? 'Create account' : 'Sign in')
  const element = h(
    'form',
    {
      class: 'fields',
      oninput: () => {
        kept.email = email.value
        kept.name = name.value
      },
      onsubmit: event => {
        event.preventDefault()
        problem.textContent = ''
        once(
          submit,
          async () => {
            if (isNew) await register({ name: name.value.trim(), email: email.value.trim(), password: password.value })
            else await signIn(email.value.trim(), password.value)
            announce(`Signed in as ${session.value?.user.name}.`)
            close(true)
          },
          error => {
            problem.textContent = describe(error).text
            if (!isNew) password.select()
          },
        )
      },
    },
    isNew && field('Name', name),
    field('E-mail address', email),
    field('Password', password, isNew && h('small', { id: 'password-hint' }, `At least ${LEAST_PASSWORD} characters.`)),
    problem,
    submit,
  )
  return { element, first: isNew ? name : email }
}

function field(label, input, hint) {
  return h('div', { class: 'field' }, h('label', { for: input.id }, label), input, hint)
}
