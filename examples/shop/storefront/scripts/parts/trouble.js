import { h } from '../dom.js'
import { describe } from './banner.js'
import { once } from './busy.js'

/**
 * Stands where something could not be loaded, with the way to try again.
 *
 * @param {unknown} error
 * @param {() => Promise<unknown> | unknown} retry
 */
export function trouble(error, retry) {
  const { heading, text } = describe(error)
  const button = h(
    'button',
    { type: 'button', class: 'button', onclick: () => once(button, async () => retry()) },
    'Try again',
  )
  return h('div', { class: 'trouble', role: 'alert' }, h('h2', {}, heading), h('p', {}, text), button)
}
