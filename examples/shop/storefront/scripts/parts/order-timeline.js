/** Each event of an order as it happened: newest last, with the service it came from and the time since the one before. */
import { h } from '../dom.js'
import { clock, gap } from '../format.js'
import { eventWords } from './order-words.js'

/**
 * @param {readonly { type: string, version: number, timestamp: string, data: any }[]} entries oldest first
 * @param {{ nameOf: (productId: string) => string, freshFrom: number }} options `freshFrom`: the first version that came while one was watching
 */
export function orderTimeline(entries, { nameOf, freshFrom }) {
  return h(
    'ol',
    { class: 'timeline', 'aria-label': 'What has happened' },
    entries.map((entry, at) => {
      const { text, by, tone = 'plain' } = eventWords(entry, nameOf)
      const before = entries[at - 1]
      const ms = before === undefined ? undefined : Date.parse(entry.timestamp) - Date.parse(before.timestamp)
      return h(
        'li',
        { class: `event event-${tone}${entry.version >= freshFrom ? ' event-fresh' : ''}`, 'data-event': entry.type },
        h('span', { class: 'event-text' }, text),
        h(
          'span',
          { class: 'event-about' },
          h('span', { class: 'service' }, by),
          h('time', { datetime: entry.timestamp }, clock(entry.timestamp)),
          ms !== undefined && ms >= 1 && ms < 60_000 && h('span', { class: 'gap' }, gap(ms)),
        ),
      )
    }),
  )
}
