/** One order, kept up to date: its state, its history, and each change as it happens. */
import { get, withQuery } from '../net/api.js'
import { follow } from '../net/follow.js'
import { isEditing, noteOrder } from './basket.js'
import { cell } from './cell.js'

/** Whether nothing more happens to an order by itself. */
export const isFinal = status => status === 'confirmed' || status === 'cancelled'

/**
 * Watches an order until the signal says stop. `order` is undefined until it is known; `entries` are its events, oldest first; `line` says how the
 * connection does; `change` is the last event that came live; `problem` why nothing can be shown.
 *
 * @param {string} orderId
 * @param {AbortSignal} signal
 */
export function watchOrder(orderId, signal) {
  const path = `/orders/${encodeURIComponent(orderId)}`
  const order = cell(/** @type {any} */ (undefined))
  const entries = cell(/** @type {any[]} */ ([]))
  const line = cell(/** @type {'connecting' | 'live' | 'waiting' | 'ended'} */ ('connecting'))
  const change = cell(/** @type {any} */ (undefined))
  const problem = cell(/** @type {any} */ (undefined))
  void start()
  return { order, entries, line, change, problem, start, take, refresh }

  async function start() {
    try {
      take(await get(path, { signal }))
      problem.set(undefined)
      await readHistory().catch(() => undefined) // the stream begins with the state of now, history or not
      if (signal.aborted) return
      if (isFinal(order.value.status)) return line.set('ended')
      await follow(`${path}/changes`, {
        signal,
        lastEventId: lastVersion(),
        onEvent: hear,
        onState: line.set,
      })
      line.set('ended')
      if (!signal.aborted) await Promise.all([refresh(), readHistory()])
    } catch (error) {
      if (!signal.aborted && order.value === undefined) problem.set(error)
      else if (!signal.aborted) line.set('waiting')
    }
  }

  /** An order as somebody got it from the shop. An answer that events have overtaken is not believed: it would set the order back. */
  function take(next) {
    const known = order.value
    if (known !== undefined) {
      const ahead = stage(next) - stage(known)
      if (ahead < 0 || (ahead === 0 && next.updatedAt < known.updatedAt)) return
    }
    order.set(next)
    noteOrder(next)
  }

  /** @returns {boolean} whether it was the last one */
  function hear({ type, id, data }) {
    const { status, event } = data
    if (type === 'snapshot') {
      take(event)
      return isFinal(status)
    }
    const version = Number(id ?? data.version)
    if (!entries.value.some(entry => entry.version === version)) {
      // The stream says no time; that of arrival does until the history is read.
      const entry = { type, version, timestamp: new Date().toISOString(), data: event }
      entries.set([...entries.value, entry])
      change.set(entry)
    }
    const { waitingFor: _, ...rest } = order.value
    const { code, message } = event
    order.set({
      ...rest,
      status,
      ...(status === 'pending' ? { waitingFor: type === 'CheckoutStarted' ? 'stock' : 'payment' } : {}),
      ...(type === 'OrderCancelled' ? { cancellation: { code, message } } : {}),
    })
    noteOrder(order.value)
    // An edit of this page shows its own outcome, and not the steps on the way.
    if ((type === 'ItemAdded' || type === 'ItemRemoved') && !isEditing()) void refresh()
    return isFinal(status)
  }

  async function refresh() {
    await get(path, { signal }).then(take, () => undefined) // what was heard stands
  }

  async function readHistory() {
    const found = []
    for (let cursor; ; ) {
      const page = await get(withQuery(`${path}/history`, { limit: 100, cursor }), { signal })
      found.push(...page.items)
      cursor = page.nextCursor
      if (cursor === undefined) break
    }
    const newest = found.at(-1)?.version ?? 0
    entries.set([...found, ...entries.value.filter(entry => entry.version > newest)])
  }

  function lastVersion() {
    const version = entries.value.at(-1)?.version
    return version === undefined ? undefined : String(version)
  }
}

/** How far an order has come; it never goes back. */
function stage({ status, waitingFor }) {
  if (status === 'created') return 0
  if (status === 'pending') return waitingFor === 'payment' ? 2 : 1
  return status === 'confirmed' ? 3 : 4 // the shop may still cancel what was confirmed
}
