/**
 * Follows a stream of the API for as long as a view lives: reconnects with back-off, goes on behind the last event it saw, and lets go of the
 * connection while the page is hidden, since browsers open only six to one origin, over all tabs.
 */
import { endSession } from '../state/session.js'
import { address, credentials } from './api.js'
import { backoffMs, pause } from './backoff.js'
import { Problem, problemOf } from './problem.js'
import { readEvents } from './sse.js'

/** The shop sends a sign of life at least every 15 s; three missed ones mean that nobody is there. */
const SILENCE_MS = 45_000

/**
 * Resolves when the stream has come to its end, rejects when it can't be had. `onState` hears `connecting`, `live` and `waiting` (a connection was
 * lost and will be tried again).
 *
 * @param {string} path
 * @param {{ signal: AbortSignal, lastEventId?: string, onEvent: (event: { type: string, id: string | undefined, data: any }) => boolean | void,
 *   onOpen?: () => void, onState?: (state: 'connecting' | 'live' | 'waiting') => void }} options `onEvent` returns true at the last event
 */
export async function follow(path, { signal, lastEventId, onEvent, onOpen, onState }) {
  let last = lastEventId
  for (let failures = 0; !signal.aborted; ) {
    await visible(signal)
    onState?.(failures === 0 ? 'connecting' : 'waiting')
    try {
      const ended = await once(path, signal, last, {
        open() {
          onState?.('live')
          onOpen?.()
        },
        event(event) {
          failures = 0
          if (event.id !== undefined) last = event.id
          return onEvent({ ...event, data: JSON.parse(event.data) }) === true
        },
      })
      if (ended) return
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Problem && error.status === 401) endSession('expired')
      if (error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429) throw error
      failures++
      onState?.('waiting')
    }
    await pause(backoffMs(failures, { baseMs: 250 }), signal).catch(() => undefined)
  }
}

/** One connection; true when there is nothing more to come. */
async function once(path, outer, last, { open, event }) {
  const mine = new AbortController()
  const signal = AbortSignal.any([outer, mine.signal])
  const hide = () => document.hidden && mine.abort()
  document.addEventListener('visibilitychange', hide)
  let watchdog = 0
  const alive = () => {
    clearTimeout(watchdog)
    watchdog = setTimeout(() => mine.abort(), SILENCE_MS)
  }
  try {
    alive()
    const response = await fetch(address(path), {
      headers: {
        accept: 'text/event-stream',
        ...credentials(),
        ...(last === undefined ? {} : { 'last-event-id': last }),
      },
      signal,
      cache: 'no-store',
    })
    if (response.status === 204) return true
    if (!response.ok || response.body === null) throw await problemOf(response)
    open()
    for await (const item of readEvents(response.body, alive)) {
      if (item.type === 'fault') {
        const { detail, ...about } = JSON.parse(item.data)
        throw new Problem(detail, about)
      }
      if (event(item)) return true
    }
    return false
  } finally {
    clearTimeout(watchdog)
    document.removeEventListener('visibilitychange', hide)
    mine.abort()
  }
}

/** Resolves at once, or when the page is shown again. */
function visible(signal) {
  if (!document.hidden) return Promise.resolve()
  return new Promise(resolve => {
    const look = () => {
      if (document.hidden && !signal.aborted) return
      document.removeEventListener('visibilitychange', look)
      signal.removeEventListener('abort', look)
      resolve(undefined)
    }
    document.addEventListener('visibilitychange', look)
    signal.addEventListener('abort', look)
  })
}
