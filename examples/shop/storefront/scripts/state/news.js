/** Notifications, live. */
import { get, withQuery } from '../net/api.js'
import { follow } from '../net/follow.js'
import { cell } from './cell.js'
import { session } from './session.js'

const SEEN = 'shop.news-seen'

/** Notifications, newest first; undefined: not loaded yet. */
export const news = cell(/** @type {any[] | undefined} */ (undefined))
/** The newest one that came while the page was open. */
export const latest = cell(/** @type {any} */ (undefined))
/** How many the user has not looked at. */
export const unseen = cell(0)
/** Why the list can't be had, if so. */
export const newsProblem = cell(/** @type {any} */ (undefined))

let nextCursor
let running = new AbortController()
let userId

session.watch(current => {
  if (current?.user.id === userId) return
  userId = current?.user.id
  running.abort()
  nextCursor = undefined
  news.set(undefined)
  latest.set(undefined)
  newsProblem.set(undefined)
  count()
  if (current === null) return
  running = new AbortController()
  listen(running.signal)
})

/** All up to now have been looked at. */
export function markSeen() {
  const newest = news.value?.[0]
  if (newest !== undefined) localStorage.setItem(`${SEEN}.${userId}`, newest.at)
  count()
}

export const hasOlder = () => nextCursor !== undefined

export async function loadOlder() {
  const page = await get(withQuery('/notifications', { cursor: nextCursor }))
  nextCursor = page.nextCursor
  merge(page.items)
}

/** Loads the first page again. */
export async function reloadNews() {
  try {
    const known = news.value
    const page = await get('/notifications')
    if (known === undefined) nextCursor = page.nextCursor
    merge(page.items)
    newsProblem.set(undefined)
  } catch (problem) {
    newsProblem.set(problem)
  }
}

function listen(signal) {
  // The list is read when the stream stands: what comes between the two is in one of them, at least.
  follow('/notifications/stream', {
    signal,
    onOpen: () => signal.aborted || reloadNews(),
    onEvent({ data }) {
      if (signal.aborted || news.value?.some(item => item.id === data.id)) return
      merge([data])
      latest.set(data)
    },
  }).catch(problem => signal.aborted || newsProblem.set(problem))
  reloadNews()
}

function merge(items) {
  const known = news.value ?? []
  const added = items.filter(item => !known.some(other => other.id === item.id))
  news.set([...added, ...known].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)))
  count()
}

function count() {
  const seen = localStorage.getItem(`${SEEN}.${userId}`) ?? ''
  unseen.set((news.value ?? []).filter(item => item.at > seen).length)
}
