import { stringifyJson } from '../../schema/json.ts'
import { problemText } from './problem.ts'
import type { StreamFormat } from './stream-format.ts'

/**
 * Server-Sent Events. `event:` and `id:` come from the members that the operation's `sse` names; `data:` is the whole item, or the members that it names. A failed stream ends with
 * `event: fault` and a problem document.
 */
export const sse: StreamFormat = {
  contentType: 'text/event-stream',
  item({ operation }, item) {
    const members = operation.sse
    let text = ''
    if (members?.event !== undefined) text += field('event', member(item, members.event))
    if (members?.id !== undefined) text += field('id', member(item, members.id))
    return `${text}data: ${stringifyJson(members?.data === undefined ? item : only(item, members.data))}\n\n`
  },
  fault: fault => `event: fault\ndata: ${problemText(fault)}\n\n`,
  heartbeat: ':\n\n',
}

function only(item: unknown, names: readonly string[]): Record<string, unknown> {
  const all = item as Readonly<Record<string, unknown>>
  return Object.fromEntries(names.filter(name => Object.hasOwn(all, name)).map(name => [name, all[name]]))
}

/** A field; none where the item has no such value. A value can't break out of its line. */
function field(name: string, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') return ''
  return `${name}: ${String(value).replace(/[\r\n\0]/g, ' ')}\n`
}

function member(item: unknown, path: string): unknown {
  let value = item
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}
