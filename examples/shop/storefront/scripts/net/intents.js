/**
 * Idempotency keys, one for each thing that the user wants. The key is made when the button is pressed and kept until the shop has
 * answered for certain: a retry, a second press after a broken connection and a press after a reload send the same key, so the shop acts once.
 */
const STORE = 'shop.intents'
/** The shop keeps answers for a day; a wish older than this is a new one. */
const FORGET_AFTER_MS = 10 * 60_000

/** Intents whose name holds a secret, such as a password; they are not written down. */
const unwritten = new Map()

/** The key of an intent, which is named by what it does, such as method, path and body. */
export function keyOf(intent, isSecret = false) {
  if (isSecret) {
    if (!unwritten.has(intent)) unwritten.set(intent, newKey())
    return unwritten.get(intent)
  }
  const intents = read()
  const known = intents[intent]
  if (known !== undefined) return known.key
  const key = newKey()
  write({ ...intents, [intent]: { key, at: Date.now() } })
  return key
}

/** The shop has answered: doing the same again is a new intent. */
export function settle(intent) {
  if (unwritten.delete(intent)) return
  const { [intent]: _, ...rest } = read()
  write(rest)
}

function read() {
  try {
    const intents = JSON.parse(sessionStorage.getItem(STORE) ?? '{}')
    const oldest = Date.now() - FORGET_AFTER_MS
    return Object.fromEntries(Object.entries(intents).filter(([, { at }]) => at > oldest))
  } catch {
    return {} // no store, or not ours: keys then last as long as one request
  }
}

function write(intents) {
  try {
    sessionStorage.setItem(STORE, JSON.stringify(intents))
  } catch {
    // A full or forbidden store costs only the reuse of keys across a reload.
  }
}

// Pages of a plain-HTTP address other than localhost have no randomUUID.
function newKey() {
  return (
    crypto.randomUUID?.() ??
    Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
  )
}
