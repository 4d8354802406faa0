/** Calls the shop's API. Reads, and changes that carry an idempotency key, are tried again when the shop says that it may help. */
import { endSession, session } from '../state/session.js'
import { backoffMs, pause } from './backoff.js'
import { keyOf, settle } from './intents.js'
import { noAnswer, Problem, problemOf } from './problem.js'

const BASE = '/api'
const TRIES = 4
/** An answer later than this is none to somebody who waits in front of a screen. */
const TIMEOUT_MS = 12_000
/** Asked to wait longer than this, the page says so instead of waiting. */
const LONGEST_WAIT_MS = 4_000

/**
 * Reads.
 *
 * @param {string} path
 * @param {{ signal?: AbortSignal, tries?: number }} [options]
 */
export function get(path, { signal, tries = TRIES } = {}) {
  return attempt(() => send('GET', path, { signal }), tries, signal)
}

/**
 * Asks for a change, once, however often it takes to get through.
 *
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {{ isSecret?: boolean }} [options] `isSecret`: the body must not be written down, not even in the page's own store
 */
export async function act(method, path, body, { isSecret = false } = {}) {
  const intent = `${session.value?.user.id ?? ''} ${method} ${path} ${JSON.stringify(body ?? null)}`
  const headers = { 'idempotency-key': keyOf(intent, isSecret) }
  try {
    const answer = await attempt(() => send(method, path, { body, headers }), TRIES)
    settle(intent)
    return answer
  } catch (error) {
    if (!(error instanceof Problem) || !error.isOpen) settle(intent)
    throw error
  }
}

/** Asks for a change that has no key: sent once, and never again by itself. */
export function actOnce(method, path, body) {
  return send(method, path, { body })
}

/**
 * Headers that say who asks.
 *
 * @returns {Record<string, string>}
 */
export function credentials() {
  const token = session.value?.token
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

/** Path with the query of what is set. */
export function withQuery(path, query) {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  return pairs.length === 0
    ? path
    : `${path}?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}`
}

/** The address of a path of the API. */
export const address = path => `${BASE}${path}`

async function attempt(request, tries, signal) {
  for (let tried = 1; ; tried++) {
    try {
      return await request()
    } catch (error) {
      if (!(error instanceof Problem) || !error.retryable || tried >= tries) throw error
      const waitMs = error.retryAfterMs ?? backoffMs(tried - 1)
      if (waitMs > LONGEST_WAIT_MS) throw error
      await pause(waitMs, signal)
    }
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{ body?: object, headers?: Record<string, string>, signal?: AbortSignal }} [options]
 */
async function send(method, path, { body, headers = {}, signal } = {}) {
  const late = AbortSignal.timeout(TIMEOUT_MS)
  const asked = session.value?.token
  let response
  try {
    response = await fetch(address(path), {
      method,
      headers: {
        accept: 'application/json',
        ...credentials(),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal === undefined ? late : AbortSignal.any([signal, late]),
      cache: 'no-store',
    })
    if (response.ok) return response.status === 204 ? undefined : await response.json()
  } catch (error) {
    if (signal?.aborted) throw error
    throw noAnswer(late.aborted)
  }
  const problem = await problemOf(response)
  if (problem.status === 401 && asked !== undefined && asked === session.value?.token) endSession('expired')
  throw problem
}
