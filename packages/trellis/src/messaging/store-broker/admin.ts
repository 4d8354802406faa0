import { Fault } from '../../kernel/index.ts'
import type { SqlValue, Store } from '../../store/index.ts'
import type { CrashHook } from '../crash-point.ts'
import type { BrokerAdmin, DeadLetter, Lag, Message } from '../messaging.ts'
import { append, type Incoming } from './append.ts'
import { PARTITIONS, partitionOf, positionOf, topicOf } from './position.ts'
import { toAttributes } from './rows.ts'
import type { Topics } from './topics.ts'

/** What the admin works with. */
export interface AdminParts {
  readonly store: Store
  readonly topics: Topics
  readonly onAppended: (heads: ReadonlyMap<number, number>) => void
  readonly crashPoint: CrashHook | undefined
}

interface DeadRow {
  readonly number: number
  readonly group_name: string
  readonly topic: string
  readonly dead_at: number
  readonly message: string
  readonly cause: string
  readonly history: string
}

const DEAD_COLUMNS = 'number, group_name, topic, dead_at, message, cause, history'
const DEFAULT_LIMIT = 100

/** The broker as a person sees it. */
export function createAdmin(parts: AdminParts): BrokerAdmin {
  const { store } = parts
  return {
    lag: () => lag(parts),
    async deadLetters({ group, topic, id, limit = DEFAULT_LIMIT }) {
      // Eight texts at most, so that the statements stay cached; an engine cannot tell the type of a parameter that is only compared with null.
      let text = `select ${DEAD_COLUMNS} from broker_dead where number > ?`
      const values: SqlValue[] = [0]
      if (group !== undefined) {
        text += ' and group_name = ?'
        values.push(group)
      }
      if (topic !== undefined) {
        text += ' and topic = ?'
        values.push(topic)
      }
      if (id !== undefined) {
        text += ' and number = ?'
        values.push(toNumber(id))
      }
      const rows = await store.reader.all<DeadRow>(`${text} order by number limit ?`, ...values, limit)
      return rows.map(toDeadLetter)
    },
    redrive: ids => redrive(parts, ids),
    drop: ids =>
      store.transaction(async tx => {
        let dropped = 0
        for (const id of ids) dropped += await tx.run('delete from broker_dead where number = ?', toNumber(id))
        return dropped
      }),
  }
}

async function redrive({ store, topics, onAppended, crashPoint }: AdminParts, ids: readonly string[]): Promise<number> {
  const names = new Set<string>()
  for (const id of ids) {
    const row = await store.reader.get<{ topic: string }>(
      'select topic from broker_dead where number = ?',
      toNumber(id),
    )
    if (row !== undefined) names.add(row.topic)
  }
  for (const name of names) await topics.find(name)
  const { heads, count } = await store.transaction(async tx => {
    const back: Incoming[] = []
    for (const id of ids) {
      const row = await tx.get<DeadRow>(`select ${DEAD_COLUMNS} from broker_dead where number = ?`, toNumber(id))
      const topic = row === undefined ? undefined : topics.known(row.topic)
      if (row === undefined || topic === undefined) continue
      await tx.run('delete from broker_dead where number = ?', row.number)
      const message = JSON.parse(row.message) as Message
      const partition = message.key === undefined ? row.number % PARTITIONS : partitionOf(message.key)
      back.push({
        slot: topic.id * PARTITIONS + partition,
        id: message.id,
        source: message.source,
        sentAt: message.time,
        key: message.key ?? null,
        body: message.data,
        attributes: toAttributes(message.attributes),
        onlyGroup: row.group_name,
      })
    }
    const appended = await append(tx, back, new Map())
    crashPoint?.('broker.redrive-in-transaction')
    return { heads: appended, count: back.length }
  })
  onAppended(heads)
  return count
}

async function lag({ store, topics }: AdminParts): Promise<Lag[]> {
  const { reader } = store
  const rows = await reader.all<{
    group_name: string
    slot: number
    settled_to: number
    open_offsets: string
    head: number
    waiting: number
    first_waiting: number | null
  }>(`select l.group_name as group_name, l.slot as slot, l.settled_to as settled_to, l.open_offsets as open_offsets, p.head as head,
      (select count(*) from broker_waiting w where w.group_name = l.group_name and w.slot = l.slot) as waiting,
      (select min(w.message_offset) from broker_waiting w where w.group_name = l.group_name and w.slot = l.slot) as first_waiting
    from broker_lease l join broker_partition p on p.slot = l.slot order by l.group_name, l.slot`)
  const now = await store.now()
  const lags = new Map<string, { topic: string; group: string; messages: number; oldestMs: number }>()
  for (const row of rows) {
    const topic = await topics.byId(topicOf(row.slot))
    const name = `${row.group_name}\0${topic.name}`
    let entry = lags.get(name)
    if (entry === undefined) {
      entry = { topic: topic.name, group: row.group_name, messages: 0, oldestMs: 0 }
      lags.set(name, entry)
    }
    const open = row.open_offsets === '' ? [] : row.open_offsets.split(',').map(Number)
    const messages = row.head - row.settled_to + open.length + row.waiting
    if (messages === 0) continue
    entry.messages += messages
    const first = Math.min(open[0] ?? row.settled_to + 1, row.first_waiting ?? Number.POSITIVE_INFINITY)
    const oldest = await reader.get<{ stored_at: number }>(
      'select stored_at from broker_message where position >= ? and position < ? order by position limit 1',
      positionOf(row.slot, first),
      positionOf(row.slot + 1, 0),
    )
    if (oldest !== undefined) entry.oldestMs = Math.max(entry.oldestMs, now - oldest.stored_at)
  }
  return [...lags.values()]
}

function toDeadLetter(row: DeadRow): DeadLetter {
  const message = JSON.parse(row.message) as Message
  return {
    id: String(row.number),
    group: row.group_name,
    message: { ...message, key: message.key }, // JSON leaves an undefined key out
    deadAt: row.dead_at,
    cause: JSON.parse(row.cause),
    history: JSON.parse(row.history),
  }
}

function toNumber(id: string): number {
  const number = Number(id)
  if (Number.isSafeInteger(number) && String(number) === id) return number
  throw new Fault('invalid_argument', `'${id}' is no id of a dead letter; list them to see their ids.`, {
    reason: 'INVALID_DEAD_LETTER_ID',
  })
}
