import { h } from '../dom.js'
import { available } from '../state/catalogue.js'

/** Fewer than this are worth saying so. */
const FEW = 10

/**
 * Says whether a product can be had, as soon as it is looked at.
 *
 * @param {string} productId
 * @param {AbortSignal} signal
 */
export function availability(productId, signal) {
  const place = h('span', { class: 'stock', 'data-stock': 'asking' }, '\u00a0')
  const seen = new IntersectionObserver(async entries => {
    if (!entries.some(entry => entry.isIntersecting)) return
    seen.disconnect()
    const level = await available(productId, signal)
    if (signal.aborted) return
    const [state, words] = describe(level)
    place.setAttribute('data-stock', state)
    place.textContent = words
  })
  seen.observe(place)
  signal.addEventListener('abort', () => seen.disconnect(), { once: true })
  return place
}

function describe(level) {
  if (level === undefined) return ['unknown', 'Availability unknown']
  if (level <= 0) return ['none', 'Out of stock']
  if (level < FEW) return ['few', `Only ${level} left`]
  return ['some', 'In stock']
}
