import type { Migration, Transaction } from '../store/index.ts'
import { checkMessage } from './check-message.ts'
import type { CrashHook } from './crash-point.ts'
import type { Message } from './messaging.ts'

/** The tables of the outbox and its relay, in the service's own store. Module name `outbox`. */
export const outboxMigrations: readonly Migration[] = [
  {
    name: '001-outbox',
    statements: ({ types: { key, text, integer, serial } }) => [
      `create table outbox (
        number ${serial}, id ${text} not null, topic ${text} not null, source ${text} not null, sent_at ${integer} not null, order_key ${text},
        body ${text} not null, attributes ${text} not null, deliver_at ${integer}, attempts ${integer} not null)`,
      `create table outbox_set_aside (
        number ${integer} primary key, message ${text} not null, set_aside_at ${integer} not null, code ${key} not null, reason ${key} not null,
        cause ${text} not null)`,
      `create table outbox_lease (id ${integer} primary key, owner ${key}, expires ${integer} not null)`,
      'insert into outbox_lease (id, owner, expires) values (1, null, 0)',
    ],
  },
]

/** Where a service's transactions leave their messages. */
export interface Outbox {
  /** Writes messages in the caller's transaction: they are published if it commits, and never if it does not. Throws as `checkMessage` does. */
  add(tx: Transaction, messages: readonly Message[]): Promise<void>
  /** Calls back when messages were committed. Returns a function that takes the listener off. */
  onAdded(listener: () => void): () => void
}

/** What an outbox is made with. */
export interface OutboxOptions {
  /** For tests; see `CRASH_POINTS`. */
  readonly crashPoint?: CrashHook
}

/** Makes the outbox of a service. The tables come from `outboxMigrations`. */
export function createOutbox(options: OutboxOptions = {}): Outbox {
  const { crashPoint } = options
  const listeners = new Set<() => void>()
  const added = (): void => {
    for (const listener of listeners) listener()
  }
  return {
    async add(tx, messages) {
      for (const message of messages) {
        checkMessage(message)
        await tx.run(
          'insert into outbox (id, topic, source, sent_at, order_key, body, attributes, deliver_at, attempts) values (?, ?, ?, ?, ?, ?, ?, ?, 0)',
          message.id,
          message.topic,
          message.source,
          Math.round(message.time),
          message.key ?? null,
          message.data,
          JSON.stringify(message.attributes),
          message.deliverAt === undefined ? null : Math.ceil(message.deliverAt),
        )
      }
      if (messages.length > 0) tx.onCommit(added)
      crashPoint?.('outbox.added-in-transaction')
    },
    onAdded(listener) {
      const own = (): void => listener()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
}
