import { h } from '../dom.js'
import { openDialog } from './dialog.js'

/** Asks whether to cancel; resolves with the reason, which may be empty, or undefined when the order is kept. */
export function askCancel() {
  return openDialog('Cancel this order?', close => {
    const reason = h('input', { id: 'cancel-reason', maxlength: 500, autocomplete: 'off' })
    return h(
      'form',
      {
        class: 'fields',
        onsubmit: event => {
          event.preventDefault()
          close(reason.value.trim())
        },
      },
      h('p', {}, 'What was set aside goes back on the shelf. Nothing is charged.'),
      h('div', { class: 'field' }, h('label', { for: 'cancel-reason' }, 'Reason (optional)'), reason),
      h(
        'div',
        { class: 'row row-end' },
        h('button', { type: 'button', class: 'button', onclick: () => close() }, 'Keep it'),
        h('button', { type: 'submit', class: 'button button-danger' }, 'Cancel the order'),
      ),
    )
  })
}
