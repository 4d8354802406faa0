/** What the kit of the event store works on: bank accounts, and projections of them. */
import {
  type Aggregate,
  aggregate,
  type EventOf,
  type Projection,
  projection,
  type RecordedEvent,
} from '../../events/index.ts'
import type { Cause } from '../../kernel/index.ts'
import type { Schema } from '../../schema/index.ts'

/** A schema by hand: the kit needs no schema library. */
function schema<T>(isValid: (value: Record<string, unknown>) => boolean, complaint: string): Schema<T> {
  const json = () => ({ type: 'object' })
  return {
    '~standard': {
      version: 1,
      vendor: 'trellis-conformance',
      validate: value =>
        typeof value === 'object' && value !== null && isValid(value as Record<string, unknown>)
          ? { value: value as T }
          : { issues: [{ message: complaint, path: ['amount'] }] },
      jsonSchema: { input: json, output: json },
    },
  }
}

/** Events of an account. */
export const accountEvents: {
  readonly Opened: Schema<{ owner: string }>
  readonly Deposited: Schema<{ amount: number }>
} = {
  Opened: schema<{ owner: string }>(({ owner }) => typeof owner === 'string', 'owner must be a string'),
  Deposited: schema<{ amount: number }>(({ amount }) => Number.isSafeInteger(amount), 'amount must be an integer'),
}

/** An event of an account. */
export type AccountEvent = EventOf<typeof accountEvents>

/** The state of an account. */
export interface AccountState {
  readonly id: string
  readonly owner: string
  readonly balance: number
}

/** An account; its commands are the events that they lead to, and `nothing`. */
export const Account: Aggregate<AccountState, AccountEvent | 'nothing', AccountEvent> = aggregate({
  name: 'account',
  events: accountEvents,
  starts: ['Opened'],
  initialState: (id): AccountState => ({ id, owner: '', balance: 0 }),
  decide: (command: AccountEvent | 'nothing') => (command === 'nothing' ? [] : command),
  evolve: (state, event) =>
    event.type === 'Opened'
      ? { ...state, owner: event.data.owner }
      : { ...state, balance: state.balance + event.data.amount },
})

/** Opens an account. */
export const opened = (owner: string = 'ann'): AccountEvent => ({ type: 'Opened', data: { owner } })

/** Puts money on an account. */
export const deposited = (amount: number): AccountEvent => ({ type: 'Deposited', data: { amount } })

/** Who does it all. */
export const cause: Cause = { correlationId: 'c-1', causationId: 'm-1', actor: 'u-1', traceparent: 't-1' }

/** The balance of each account and the number of its events, so that an event applied twice or never shows. */
export function balances(
  mode: 'inline' | 'asynchronous',
  options: {
    readonly name?: string
    readonly version?: number
    readonly before?: (event: RecordedEvent<AccountEvent>) => void
  } = {},
): Projection {
  const { name = 'balances', version = 1, before } = options
  return projection(name, {
    mode,
    version,
    from: [Account],
    tables: {
      balance: (table, { types }) => [
        `create table ${table} (id ${types.key} not null primary key, amount ${types.integer} not null, events ${types.integer} not null)`,
        `create index ${table}_by_amount on ${table} (amount)`,
      ],
    },
    async apply(event, tx, { balance }) {
      before?.(event)
      const id = event.aggregateId
      if (event.type === 'Opened') await tx.run(`insert into ${balance} (id, amount, events) values (?, 0, 1)`, id)
      else {
        const text = `update ${balance} set amount = amount + ?, events = events + 1 where id = ?`
        await tx.run(text, event.data.amount * version, id)
      }
    },
  })
}
