/**
 * Who is signed in. Kept in localStorage, so that a reload and a second tab know as well; it ends at the token's own time, and at once when the shop
 * refuses the token.
 */
import { cell } from './cell.js'

const STORE = 'shop.session'
/** Longest delay that a browser's timer can hold. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** @typedef {{ id: string, email: string, name: string, preferences: { language?: string, newsletter?: boolean }, roles: string[] }} User */
/** @typedef {{ token: string, expiresAt: string, user: User }} Session */

/** The session of now, or null. */
export const session = cell(/** @type {Session | null} */ (read()))

/** Why the last session ended: `expired`, `signed-out` or nothing yet. */
export const ending = cell(/** @type {'expired' | 'signed-out' | undefined} */ (undefined))

let timer = 0

export function startSession(next) {
  keep(next)
  ending.set(undefined)
  session.set(next)
  arm(next)
}

/** The user has changed; the token stays. */
export function changeUser(user) {
  if (session.value !== null) startSession({ ...session.value, user })
}

export function endSession(why) {
  if (session.value === null) return
  clearTimeout(timer)
  keep(null)
  ending.set(why)
  session.set(null)
}

addEventListener('storage', event => {
  if (event.key !== STORE && event.key !== null) return
  const elsewhere = read()
  if (elsewhere?.token === session.value?.token) return
  session.set(elsewhere)
  if (elsewhere !== null) arm(elsewhere)
})

if (session.value !== null) arm(session.value)

function arm(current) {
  clearTimeout(timer)
  const leftMs = Date.parse(current.expiresAt) - Date.now()
  if (!(leftMs > 0)) return endSession('expired')
  timer = setTimeout(() => arm(current), Math.min(leftMs, LONGEST_TIMER_MS))
}

/** @returns {Session | null} */
function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE) ?? 'null')
    return kept !== null && typeof kept.token === 'string' && Date.parse(kept.expiresAt) > Date.now() ? kept : null
  } catch {
    return null // no store, or not ours
  }
}

function keep(value) {
  try {
    if (value === null) localStorage.removeItem(STORE)
    else localStorage.setItem(STORE, JSON.stringify(value))
  } catch {
    // Without a store the session lasts until the page is left.
  }
}
