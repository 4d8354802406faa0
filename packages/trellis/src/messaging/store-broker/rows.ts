import type { Message } from '../messaging.ts'

/** A message as `broker_message` holds it. */
export interface MessageRow {
  readonly position: number
  readonly id: string
  readonly source: string
  readonly sent_at: number
  readonly order_key: string | null
  readonly body: string
  readonly attributes: string
  readonly only_group: string | null
}

/** Columns of a `MessageRow`. */
export const MESSAGE_COLUMNS = 'position, id, source, sent_at, order_key, body, attributes, only_group'

const NO_ATTRIBUTES: Readonly<Record<string, string>> = Object.freeze({})

/** The message of a row. */
export function toMessage(row: MessageRow, topic: string): Message {
  return {
    id: row.id,
    topic,
    source: row.source,
    time: row.sent_at,
    key: row.order_key ?? undefined,
    data: row.body,
    attributes: fromAttributes(row.attributes),
  }
}

/** Reads stored attributes. */
export function fromAttributes(text: string): Readonly<Record<string, string>> {
  return text === '' ? NO_ATTRIBUTES : (JSON.parse(text) as Record<string, string>)
}

/** The stored form of attributes: JSON, or nothing for none. */
export function toAttributes(attributes: Readonly<Record<string, string>>): string {
  const text = JSON.stringify(attributes)
  return text === '{}' ? '' : text
}
