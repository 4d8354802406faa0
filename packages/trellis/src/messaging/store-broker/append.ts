import { Fault } from '../../kernel/index.ts'
import type { Transaction } from '../../store/index.ts'
import { OFFSETS, positionOf } from './position.ts'

/** A message about to enter its slot. */
export interface Incoming {
  readonly slot: number
  readonly id: string
  readonly source: string
  readonly sentAt: number
  readonly key: string | null
  readonly body: string
  readonly attributes: string
  /** The one group that gets it; null: all. */
  readonly onlyGroup: string | null
}

/**
 * Appends messages to their slots, in order, within a transaction; the new head of each slot. `heads` may hold what the heads are believed to be:
 * right, it saves a query per slot; wrong, it costs one.
 */
export async function append(
  tx: Transaction,
  messages: readonly Incoming[],
  heads: ReadonlyMap<number, number>,
): Promise<Map<number, number>> {
  const counts = new Map<number, number>()
  for (const { slot } of messages) counts.set(slot, (counts.get(slot) ?? 0) + 1)
  const next = new Map<number, number>()
  const after = new Map<number, number>()
  // Slots in one order for all, so that engines with row locks meet no deadlock.
  for (const slot of [...counts.keys()].sort((a, b) => a - b)) {
    const count = counts.get(slot) as number
    const head = await advance(tx, slot, count, heads.get(slot))
    if (head + count >= OFFSETS)
      throw new Fault(
        'resource_exhausted',
        `Partition ${slot} has given out all its offsets; publish to a new topic.`,
        {
          reason: 'PARTITION_EXHAUSTED',
          retryable: false,
        },
      )
    next.set(slot, head + 1)
    after.set(slot, head + count)
  }
  for (const message of messages) {
    const offset = next.get(message.slot) as number
    next.set(message.slot, offset + 1)
    await tx.run(
      'insert into broker_message (position, id, source, sent_at, order_key, body, attributes, only_group, stored_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      positionOf(message.slot, offset),
      message.id,
      message.source,
      message.sentAt,
      message.key,
      message.body,
      message.attributes,
      message.onlyGroup,
      tx.now,
    )
  }
  return after
}

async function advance(tx: Transaction, slot: number, count: number, believed: number | undefined): Promise<number> {
  if (believed !== undefined) {
    const hit = await tx.run(
      'update broker_partition set head = ? where slot = ? and head = ?',
      believed + count,
      slot,
      believed,
    )
    if (hit === 1) return believed
  }
  await tx.run('update broker_partition set head = head + ? where slot = ?', count, slot)
  const row = await tx.get<{ head: number }>('select head from broker_partition where slot = ?', slot)
  return (row as { head: number }).head - count
}
