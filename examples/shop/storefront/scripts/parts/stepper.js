import { h } from '../dom.js'

/** Most that one line of an order may hold. */
export const MOST = 999

/**
 * A number with a button on either side.
 *
 * @param {{ label: string, value: number, least?: number, key: string, onchange: (value: number) => void }} options
 */
export function stepper({ label, value, least = 1, key, onchange }) {
  const input = h('input', {
    type: 'number',
    inputmode: 'numeric',
    min: least,
    max: MOST,
    value,
    'aria-label': label,
    'data-key': `${key}-number`,
    onchange: () => set(Number(input.value)),
  })
  const set = wanted => {
    const next = Number.isFinite(wanted) ? Math.min(MOST, Math.max(least, Math.round(wanted))) : value
    input.value = String(next)
    if (next === value) return
    value = next
    onchange(next)
  }
  const step = (by, sign, word) =>
    h(
      'button',
      {
        type: 'button',
        'data-key': `${key}-${word}`,
        'aria-label': `One ${word}: ${label}`,
        onclick: () => set(Number(input.value) + by),
      },
      sign,
    )
  return h(
    'div',
    { class: 'stepper', role: 'group', 'aria-label': label },
    step(-1, '−', 'less'),
    input,
    step(1, '+', 'more'),
  )
}
