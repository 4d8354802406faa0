import { h, s } from '../dom.js'

/**
 * What a view shows instead of nothing.
 *
 * @param {{ heading: string, text: string }} words
 * @param {...unknown} actions
 */
export function empty({ heading, text }, ...actions) {
  return h(
    'div',
    { class: 'empty' },
    s(
      'svg',
      { viewBox: '0 0 120 80', width: 150, height: 100, 'aria-hidden': 'true' },
      s('path', { class: 'empty-lattice', d: 'M10 20h100M10 40h100M10 60h100M30 76V6M60 76V6M90 76V6' }),
      s('circle', { class: 'empty-leaf', cx: 30, cy: 40, r: 6 }),
      s('circle', { class: 'empty-leaf', cx: 75, cy: 20, r: 6 }),
      s('circle', { class: 'empty-fruit', cx: 60, cy: 60, r: 6 }),
    ),
    h('h2', {}, heading),
    h('p', {}, text),
    actions.length > 0 && h('div', { class: 'row' }, actions),
  )
}
