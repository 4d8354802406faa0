/** The sign of the shop: a fruit tree trained along wires. Drawn, and the same each time. */
import { s } from '../dom.js'

const WIRES = [50, 110, 170, 230]
const MIDDLE = 240

export function espalierArt() {
  const parts = [
    ...WIRES.map(y => s('path', { class: 'espalier-wire', d: `M0 ${y}H480` })),
    ...[40, 140, 340, 440].map(x => s('path', { class: 'espalier-wire', d: `M${x} 20V272` })),
    s('path', { class: 'espalier-branch', d: `M${MIDDLE} 272V50` }),
    ...WIRES.map((y, row) => {
      const reach = 205 - row * 8
      return s('path', {
        class: 'espalier-branch',
        d: `M${MIDDLE - reach} ${y}H${MIDDLE - 26}q26 0 26 22M${MIDDLE + reach} ${y}H${MIDDLE + 26}q-26 0 -26 22`,
      })
    }),
  ]
  for (const [row, y] of WIRES.entries()) {
    for (let at = 0; at < 10; at++) {
      const side = at < 5 ? -1 : 1
      const x = MIDDLE + side * (48 + (at % 5) * 36 + ((row * 13 + at * 7) % 11))
      const up = (row + at) % 2 === 0 ? -1 : 1
      if ((row * 3 + at * 5) % 7 === 2) parts.push(s('circle', { class: 'espalier-fruit', cx: x, cy: y + 15, r: 11 }))
      else parts.push(leaf(x, y, side * up * 32, up))
    }
  }
  return s('svg', { class: 'espalier', viewBox: '0 0 480 280', 'aria-hidden': 'true' }, parts)
}

const leaf = (x, y, turn, up) =>
  s('path', {
    class: 'espalier-leaf',
    transform: `translate(${x} ${y}) rotate(${turn}) scale(1 ${up})`,
    d: 'M0 0C-12 8 -12 24 0 34C12 24 12 8 0 0Z',
  })
