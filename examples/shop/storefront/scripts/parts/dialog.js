import { h, icon } from '../dom.js'

let dialogs = 0

/**
 * Opens a modal dialog and resolves with what it was closed with: `undefined` by Escape, by the cross or by a click beside it. The browser keeps the
 * focus inside and gives it back afterwards.
 *
 * @param {string} title
 * @param {(close: (result?: unknown) => void) => unknown} content
 * @returns {Promise<any>}
 */
export function openDialog(title, content) {
  return new Promise(resolve => {
    let result
    const titleId = `dialog-${++dialogs}`
    const close = value => {
      result = value
      dialog.close()
    }
    const dialog = h(
      'dialog',
      {
        class: 'dialog',
        'aria-labelledby': titleId,
        onclick: event => event.target === dialog && close(),
        onclose: () => {
          dialog.remove()
          resolve(result)
        },
      },
      h(
        'div',
        { class: 'dialog-body' },
        h('header', { class: 'dialog-head' }, h('h2', { id: titleId }, title), closeButton(close)),
        content(close),
      ),
    )
    document.body.append(dialog)
    dialog.showModal()
  })
}

function closeButton(close) {
  return h(
    'button',
    { type: 'button', class: 'close', 'aria-label': 'Close', onclick: () => close() },
    icon('M6 6l12 12M18 6 6 18'),
  )
}
