/**
 * What a service has handled. The mark commits together with the effect, so a message that comes twice has its effect once: redelivery, a relay that died between
 * publishing and removing, and a consumer that was paused while another took its partition over, all end at the unique (group, message).
 */
import { type Attribute, attribute, type CancelTimer, Fault, type Runtime } from '../kernel/index.ts'
import type { Migration, Store, Transaction } from '../store/index.ts'
import type { CrashHook } from './crash-point.ts'

/** The table of the inbox, in the service's own store. Module name `inbox`. */
export const inboxMigrations: readonly Migration[] = [
  {
    name: '001-inbox',
    statements: ({ types: { key, integer } }) => [
      // No index on the time, and no number: each would be one more page to write for every message handled.
      `create table inbox (group_name ${key} not null, message_id ${key} not null, handled_at ${integer} not null,
        primary key (group_name, message_id))`,
    ],
  },
]

/** The mark of one message in hand. `ctx.transaction` of a service puts it into the handler's one transaction. */
export interface InboxMark {
  /**
   * Writes the mark. Throws `already_exists` / `ALREADY_HANDLED` when the message was handled before, so that the transaction rolls back, and
   * `failed_precondition` / `SECOND_TRANSACTION` when this attempt has committed a transaction already. May be called again when the body is re-run.
   */
  storeIn(tx: Transaction): Promise<void>
}

/** Set on the context of a consumer's handler. */
export const inboxMark: Attribute<InboxMark> = attribute('inbox-mark')

/** Handled messages of a service. */
export interface Inbox {
  /** Marks a message as handled; false when it was before. */
  mark(tx: Transaction, group: string, messageId: string): Promise<boolean>
  /** Whether a message was handled, at the latest commit, which may not be durable yet; see `confirm`. */
  has(group: string, messageId: string): Promise<boolean>
  /** Whether a message was handled, durably: writes to the mark, so that the flush covers a mark that another process has just committed. */
  confirm(group: string, messageId: string): Promise<boolean>
  /** Removes marks older than `olderThanMs`; the number of them. */
  sweep(olderThanMs: number): Promise<number>
}

/** Marks read, and removed in one transaction, at a time: a few milliseconds of the writer. */
const SWEEP_CHUNK = 500

async function removeMarks(
  tx: Transaction,
  marks: readonly { readonly group_name: string; readonly message_id: string }[],
): Promise<number> {
  for (const { group_name: group, message_id: id } of marks)
    await tx.run('delete from inbox where group_name = ? and message_id = ?', group, id)
  return marks.length
}

/** The inbox on a service's store. The table comes from `inboxMigrations`. */
export function createInbox(store: Store): Inbox {
  const insert = store.dialect.insertOrIgnore('inbox', ['group_name', 'message_id', 'handled_at'])
  return {
    async mark(tx, group, messageId) {
      return (await tx.run(insert, group, messageId, tx.now)) === 1
    },
    async has(group, messageId) {
      const row = await store.reader.get(
        'select handled_at from inbox where group_name = ? and message_id = ?',
        group,
        messageId,
      )
      return row !== undefined
    },
    async confirm(group, messageId) {
      const marked = await store.transaction(tx =>
        tx.run('update inbox set handled_at = ? where group_name = ? and message_id = ?', tx.now, group, messageId),
      )
      return marked === 1
    },
    async sweep(olderThanMs) {
      const cutoff = (await store.now()) - olderThanMs
      let removed = 0
      let group = ''
      let message = ''
      for (;;) {
        const rows = await store.reader.all<{ group_name: string; message_id: string; handled_at: number }>(
          `select group_name, message_id, handled_at from inbox where (group_name, message_id) > (?, ?)
            order by group_name, message_id limit ${SWEEP_CHUNK}`,
          group,
          message,
        )
        const old = rows.filter(row => row.handled_at < cutoff)
        if (old.length > 0) removed += await store.transaction(tx => removeMarks(tx, old))
        const last = rows.at(-1)
        if (last === undefined) return removed
        group = last.group_name
        message = last.message_id
      }
    },
  }
}

/** How long marks are kept, milliseconds: 7 days. A message must not come again later than that; a dead letter was not handled, so it may. */
export const DEFAULT_MARK_RETENTION_MS: number = 7 * 24 * 3_600_000

/** Sweeps an inbox once an hour. Returns a function that ends it. */
export function sweepRegularly(
  runtime: Runtime,
  inbox: Inbox,
  options: { readonly retentionMs?: number; readonly onFault?: (fault: Fault) => void } = {},
): CancelTimer {
  const { retentionMs = DEFAULT_MARK_RETENTION_MS, onFault } = options
  let cancel: CancelTimer
  const arm = (): void => {
    cancel = runtime.timers.after(3_600_000 * (0.5 + runtime.random.next()), sweep, { background: true })
  }
  const sweep = (): void => {
    inbox.sweep(retentionMs).catch((error: unknown) => onFault?.(Fault.from(error)))
    arm()
  }
  arm()
  return () => cancel()
}

/** The mark of one attempt at one message. */
export class AttemptMark implements InboxMark {
  readonly #inbox: Inbox
  readonly #group: string
  readonly #messageId: string
  readonly #crashPoint: CrashHook | undefined
  #over = false
  #written = false
  #committed = false

  constructor(inbox: Inbox, group: string, messageId: string, crashPoint: CrashHook | undefined) {
    this.#inbox = inbox
    this.#group = group
    this.#messageId = messageId
    this.#crashPoint = crashPoint
  }

  /** Whether the mark is durable. */
  get committed(): boolean {
    return this.#committed
  }

  /** Refuses transactions from now on: the attempt has ended, another may run. */
  end(): void {
    this.#over = true
  }

  readonly #onCommit = (): void => {
    this.#committed = true
  }

  async storeIn(tx: Transaction): Promise<void> {
    if (this.#over)
      throw new Fault('cancelled', 'The attempt at this message has ended; it is handled anew.', {
        reason: 'ATTEMPT_OVER',
      })
    const first = await this.#inbox.mark(tx, this.#group, this.#messageId)
    if (first) {
      // Stays set when the transaction rolls back; then the mark is gone and the next one is first again.
      this.#written = true
      tx.onCommit(this.#onCommit)
      this.#crashPoint?.('consumer.marked-in-transaction')
      return
    }
    if (this.#written)
      throw new Fault(
        'failed_precondition',
        'A handler of a message may commit one transaction; put everything into it, or publish a message for the rest.',
        { reason: 'SECOND_TRANSACTION' },
      )
    throw alreadyHandled()
  }
}

/** `already_exists` / `ALREADY_HANDLED`. */
export function alreadyHandled(): Fault {
  return new Fault('already_exists', 'The message was handled before; its effect is there.', {
    reason: 'ALREADY_HANDLED',
  })
}
