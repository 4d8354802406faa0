/**
 * A picture for each product, drawn from its id: every category has a motif and colours of its own (`art.css`), and within it no two products look quite the same.
 * The same product always looks the same.
 */
import { s } from '../dom.js'

const SIZE = 240

/** @param {{ id: string, category?: string }} product */
export function productArt({ id, category }) {
  const known = category !== undefined && Object.hasOwn(motifs, category) ? category : 'plain'
  return s(
    'svg',
    {
      class: `art art-${known}`,
      viewBox: `0 0 ${SIZE} ${SIZE}`,
      'aria-hidden': 'true',
      preserveAspectRatio: 'xMidYMid slice',
    },
    s('rect', { class: 'ground', width: SIZE, height: SIZE }),
    motifs[known](chance(id)),
  )
}

const motifs = {
  // A plate on a cloth, a pot, or a bowl that steams.
  kitchen(next) {
    const kind = Math.floor(next() * 3)
    if (kind === 0) return plate(next)
    return kind === 1 ? pot(next) : bowl(next)
  },
  // A stem with leaves.
  garden(next) {
    const lean = -18 + next() * 36
    const leaves = 4 + Math.floor(next() * 3)
    const step = 150 / leaves
    return [
      circle('c', 120 + lean * 1.6, 46 + next() * 12, 16 + next() * 14),
      s('path', { class: 'line-a', d: `M120 240Q${120 - lean} 150 ${120 + lean} 40`, 'stroke-width': 6 }),
      ...range(leaves, at => {
        const size = 34 + next() * 30
        const turn = (at % 2 === 0 ? -1 : 1) * (28 + next() * 22)
        const flip = at % 2 === 0 ? -1 : 1
        return s('path', {
          class: at % 3 === 1 ? 'b' : 'a',
          transform: `translate(120 ${212 - at * step}) rotate(${turn}) scale(${flip} 1)`,
          d: `M0 0C${size * 0.3} ${-size * 0.55} ${size} ${-size * 0.5} ${size * 1.35} 0C${size} ${size * 0.4} ${size * 0.3} ${size * 0.4} 0 0Z`,
        })
      }),
    ]
  },
  // Ruled sheets.
  office(next) {
    const turn = -10 + next() * 20
    const lines = 4 + Math.floor(next() * 4)
    const marked = Math.floor(next() * lines)
    return [
      s('g', { transform: `rotate(${-turn} 120 120)` }, rect('a', 62, 40, 124, 160, 4)),
      s(
        'g',
        { transform: `rotate(${turn} 120 120)` },
        rect('b', 54, 46, 124, 160, 4),
        range(lines, at =>
          rect(
            at === marked ? 'c' : 'line',
            70,
            68 + at * (120 / lines),
            at === marked ? 92 : 46 + next() * 44,
            at === marked ? 10 : 5,
            2,
          ),
        ),
      ),
      s(
        'g',
        { transform: `rotate(${30 + next() * 30} 180 180)` },
        rect('c', 172, 96, 14, 104, 2),
        path('a', 'M172 200h14l-7 20Z'),
      ),
    ]
  },
  // A sound.
  audio(next) {
    const bars = 9
    const loudest = 2 + Math.floor(next() * 5)
    const ring = next() < 0.5
    return [
      ring && circle('b', 120, 120, 92),
      ring && circle('ground', 120, 120, 70),
      ...range(bars, at => {
        const height = 24 + (1 - Math.min(1, Math.abs(at - loudest) / 6)) * 110 * (0.55 + next() * 0.45)
        return rect(
          at === loudest ? 'c' : at % 2 === 0 ? 'a' : 'b-dark',
          30 + at * 20.5,
          120 - height / 2,
          12,
          height,
          6,
        )
      }),
    ]
  },
  // Spines on a shelf.
  books(next) {
    const spines = []
    let x = 26
    for (let at = 0; x < 196; at++) {
      const width = 16 + next() * 20
      const height = 96 + next() * 70
      const shade = ['a', 'b', 'c'][Math.floor(next() * 3)]
      const leans = at > 2 && x > 150 && next() < 0.6
      spines.push(
        s(
          'g',
          leans ? { transform: `rotate(9 ${x + width} 196)` } : {},
          rect(shade, x, 196 - height, width, height, 1.5),
          rect('ground', x, 196 - height + 14 + next() * 16, width, 4),
          next() < 0.6 && rect('ground', x, 170, width, 3),
        ),
      )
      x += width + (leans ? 20 : 2)
    }
    return [...spines, rect('c', 0, 196, SIZE, 9)]
  },
  // Hills, and the sun.
  outdoor(next) {
    const peak = () => 70 + next() * 60
    return [
      circle('c', 50 + next() * 140, 62 + next() * 22, 22 + next() * 12),
      path(
        'b',
        `M-20 240L${40 + next() * 40} ${peak()}L${130 + next() * 20} 190L${170 + next() * 30} ${peak() + 10}L270 240Z`,
      ),
      path(
        'a',
        `M-30 250L${20 + next() * 40} ${150 + next() * 20}L${110 + next() * 20} 205L${170 + next() * 40} ${130 + next() * 30}L290 250Z`,
      ),
      next() < 0.55 && path('c', `M${96 + next() * 30} 222l22 -38l22 38Z`),
    ]
  },
  // Building blocks.
  toys(next) {
    const cell = 60
    const shapes = [
      (shade, x, y) => rect(shade, x, y, cell, cell),
      (shade, x, y) => circle(shade, x + cell / 2, y + cell / 2, cell / 2),
      (shade, x, y) => path(shade, `M${x} ${y + cell}h${cell}L${x + cell / 2} ${y}Z`),
      (shade, x, y) => path(shade, `M${x} ${y}a${cell} ${cell} 0 0 1 ${cell} ${cell}h-${cell}Z`),
    ]
    const blocks = []
    for (let column = 0; column < 3; column++) {
      const high = 1 + Math.floor(next() * 3)
      for (let row = 0; row < high; row++) {
        const shape = shapes[row === high - 1 ? Math.floor(next() * 4) : 0]
        blocks.push(shape?.(['a', 'b', 'c'][Math.floor(next() * 3)], 30 + column * cell, 155 - row * cell))
      }
    }
    return [...blocks, rect('b', 0, 215, SIZE, 4)]
  },
  // Arches.
  home(next) {
    const order = next() < 0.5 ? ['a', 'c', 'b', 'ground'] : ['b', 'ground', 'a', 'c']
    const middle = 100 + next() * 40
    const widest = 74 + next() * 22
    return [
      ...order.map((shade, at) => {
        const radius = widest * (1 - at * 0.24)
        return path(shade, `M${middle - radius} 240V${150}a${radius} ${radius} 0 0 1 ${radius * 2} 0V240Z`)
      }),
      circle(next() < 0.5 ? 'c' : 'a', middle < 120 ? 204 : 36, 46 + next() * 20, 15 + next() * 9),
    ]
  },
  plain(next) {
    return range(3, at => circle(['a', 'b', 'c'][at], 60 + next() * 120, 60 + next() * 120, 26 + next() * 34))
  },
}

function plate(next) {
  const x = 96 + next() * 48
  const y = 100 + next() * 40
  const radius = 62 + next() * 26
  const across = next() < 0.5
  return [
    ...range(3 + Math.floor(next() * 3), at =>
      across ? rect('b', 0, 18 + at * 16, SIZE, 7) : rect('b', 18 + at * 16, 0, 7, SIZE),
    ),
    circle('c', x, y, radius),
    circle('b', x, y, radius * 0.82),
    circle('a', x, y, radius * (0.3 + next() * 0.22)),
    next() < 0.5 && rect('c', x + radius + 14, y - 60, 10, 120, 5),
  ]
}

function pot(next) {
  const wide = 110 + next() * 40
  const high = 62 + next() * 50
  const left = 120 - wide / 2
  const top = 190 - high
  const [body, lid] = next() < 0.5 ? ['a', 'c'] : ['c', 'a']
  return [
    rect('b', 0, 190, SIZE, 50),
    rect(lid, left - 20, top + 14, wide + 40, 12, 6),
    path(body, `M${left} ${top}h${wide}v${high - 22}a22 22 0 0 1 -22 22h-${wide - 44}a22 22 0 0 1 -22 -22Z`),
    rect(lid, left - 6, top - 12, wide + 12, 12, 6),
    circle(lid, 120, top - 20, 9),
    next() < 0.6 && rect('b', left + 16, top + 18, 8, high * 0.45, 4),
  ]
}

function bowl(next) {
  const radius = 62 + next() * 22
  const top = 128
  return [
    circle('b', 60 + next() * 120, 62, 30 + next() * 26),
    ...range(3, at =>
      s('path', {
        class: 'line-a',
        'stroke-width': 6,
        d: `M${92 + at * 28} ${top - 22}q-14 -18 0 -34t0 ${-14 - next() * 24}`,
      }),
    ),
    path('c', `M${120 - radius} ${top}h${radius * 2}a${radius} ${radius} 0 0 1 ${-radius * 2} 0Z`),
    rect('c', 120 - radius * 0.42, top + radius - 8, radius * 0.84, 14, 4),
    rect('a', 120 - radius * 0.86, top + 16, radius * 1.72, 10, 5),
  ]
}

const rect = (shade, x, y, width, height, rx = 0) => s('rect', { class: shade, x, y, width, height, rx })
const circle = (shade, cx, cy, r) => s('circle', { class: shade, cx, cy, r })
const path = (shade, d) => s('path', { class: shade, d })
const range = (length, make) => Array.from({ length }, (_, at) => make(at))

/** Numbers from 0 to 1 that follow from a text (FNV-1a, then mulberry32). */
function chance(text) {
  let state = 2166136261
  for (const character of text) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 16777619)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
