import { Fault } from '../kernel/index.ts'
import type { Message } from './messaging.ts'

/** Longest id, topic, source, key and attribute name, in UTF-16 units: what every SQL engine can index. */
const MAX_NAME = 255
/** Largest body and largest attributes together, in UTF-16 units. 4 Mi for the body: events carry facts, files belong elsewhere. */
const MAX_DATA = 4 * 1024 * 1024
const MAX_ATTRIBUTES = 64 * 1024
const ATTRIBUTE_NAME = /^[a-z0-9][a-z0-9_-]*$/

/**
 * Refuses a message that some engine would change, cut or reject: `invalid_argument` / `INVALID_MESSAGE`, and `resource_exhausted` /
 * `MESSAGE_TOO_LARGE` (not retryable) beyond 4 Mi characters of data or 64 Ki of attributes.
 */
export function checkMessage(message: Message): void {
  checkText('id', message.id)
  checkText('topic', message.topic)
  checkText('source', message.source)
  if (message.key !== undefined) checkText('key', message.key)
  if (!Number.isFinite(message.time)) throw invalid(`time is ${message.time}; give milliseconds since 1970`)
  if (message.deliverAt !== undefined && !Number.isFinite(message.deliverAt))
    throw invalid(`deliverAt is ${message.deliverAt}; give milliseconds since 1970`)
  if (typeof message.data !== 'string') throw invalid('data is no string; give JSON text')
  if (message.data.length > MAX_DATA) throw tooLarge(`data has ${message.data.length} characters, most ${MAX_DATA}`)
  if (!message.data.isWellFormed() || message.data.includes('\0'))
    throw invalid('data holds half a surrogate pair or a NUL; JSON.stringify escapes both')
  let size = 0
  for (const [name, value] of Object.entries(message.attributes)) {
    if (name.length > MAX_NAME || !ATTRIBUTE_NAME.test(name))
      throw invalid(`attribute name ${quote(name)} is not made of a-z, 0-9, '-' and '_'`)
    if (typeof value !== 'string' || !value.isWellFormed() || value.includes('\0'))
      throw invalid(`attribute ${name} is no string of whole characters without NUL`)
    size += name.length + value.length
  }
  if (size > MAX_ATTRIBUTES) throw tooLarge(`attributes have ${size} characters, most ${MAX_ATTRIBUTES}`)
}

/** Refuses a name that cannot be a key on every engine. */
export function checkText(what: string, value: string): void {
  if (typeof value !== 'string' || value === '' || value.length > MAX_NAME)
    throw invalid(`${what} is ${quote(value)}; it must have 1 to ${MAX_NAME} characters`)
  if (!value.isWellFormed() || value.includes('\0'))
    throw invalid(`${what} is ${quote(value)}; it must have whole characters and no NUL`)
}

function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

function invalid(why: string): Fault {
  return new Fault('invalid_argument', `The message cannot be published: ${why}.`, { reason: 'INVALID_MESSAGE' })
}

function tooLarge(why: string): Fault {
  return new Fault(
    'resource_exhausted',
    `The message is too large: ${why}. Send a reference to where the data lies instead.`,
    { reason: 'MESSAGE_TOO_LARGE', retryable: false },
  )
}
