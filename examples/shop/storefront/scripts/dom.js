/** Makes elements. The page has no framework: a view is a function that returns an element and keeps it up to date itself. */

const SVG = 'http://www.w3.org/2000/svg'

/**
 * An HTML element. Properties that begin with `on` are listeners, `class` and names with a dash are attributes, `true` is a bare
 * attribute, `undefined`, `null` and `false` leave one out. Text is always text, never markup.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...unknown} children
 * @returns {any}
 */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children)
}

/**
 * An SVG element, by the same rules.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...unknown} children
 * @returns {any}
 */
export function s(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children)
}

/** A line icon of 24 by 24 from the path of its strokes. */
export function icon(path) {
  return s(
    'svg',
    { class: 'icon', viewBox: '0 0 24 24', width: 20, height: 20, 'aria-hidden': 'true' },
    s('path', { d: path }),
  )
}

/**
 * Renders anew into `place`, and leaves the focus where it was: on the element with the same `data-key`, or on `place` when that is gone.
 *
 * @param {HTMLElement} place
 * @param {...unknown} children
 */
export function renderInto(place, ...children) {
  const focused = place.contains(document.activeElement) ? document.activeElement : null
  const key = focused?.getAttribute('data-key')
  place.replaceChildren(...nodes(children))
  if (focused === null || focused === place) return
  const again = key === null ? null : place.querySelector(`[data-key="${CSS.escape(key ?? '')}"]:not(:disabled)`)
  if (again instanceof HTMLElement) again.focus({ preventScroll: true })
  else {
    place.tabIndex = -1
    place.focus({ preventScroll: true })
  }
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...nodes(children))
  return element
}

function nodes(children) {
  return children.flat(Infinity).filter(child => child !== undefined && child !== null && child !== false)
}
