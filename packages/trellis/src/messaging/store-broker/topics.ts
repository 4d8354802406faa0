import { Fault } from '../../kernel/index.ts'
import type { Store, Transaction } from '../../store/index.ts'
import { checkText } from '../check-message.ts'
import type { TopicDeclaration } from '../messaging.ts'
import { MAX_TOPICS, PARTITIONS, positionOf } from './position.ts'

/** A topic that exists. */
export interface Topic {
  readonly name: string
  readonly id: number
  readonly kind: TopicDeclaration['kind']
}

/** The topics of a broker. They are never removed or changed, so that what was read once holds. */
export class Topics {
  readonly #store: Store
  readonly #byName: Map<string, Topic> = new Map()
  readonly #byId: Map<number, Topic> = new Map()

  constructor(store: Store) {
    this.#store = store
  }

  /** A topic by its name; undefined: not known in this process. */
  known(name: string): Topic | undefined {
    return this.#byName.get(name)
  }

  /** A topic by its name; `not_found` / `UNKNOWN_TOPIC`. */
  async find(name: string): Promise<Topic> {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const row = await this.#store.reader.get<Topic>('select name, id, kind from broker_topic where name = ?', name)
    if (row === undefined)
      throw new Fault('not_found', `No topic is named '${name}'; declare it before it is used.`, {
        reason: 'UNKNOWN_TOPIC',
      })
    return this.#keep(row)
  }

  /** A topic by its number, which a slot has given. */
  async byId(id: number): Promise<Topic> {
    const known = this.#byId.get(id)
    if (known !== undefined) return known
    const row = await this.#store.reader.get<Topic>('select name, id, kind from broker_topic where id = ?', id)
    if (row === undefined) throw new Fault('data_loss', `Topic ${id} has partitions but no name; restore a backup.`)
    return this.#keep(row)
  }

  /** Makes what is missing. */
  async declare(
    topics: readonly TopicDeclaration[],
    groups: readonly { readonly group: string; readonly topics: readonly string[] }[],
  ): Promise<void> {
    for (const { name } of topics) checkText('topic', name)
    for (const { group } of groups) checkText('group', group)
    const made = await this.#store.transaction(async tx => {
      const found = new Map<string, Topic>()
      for (const declaration of topics) found.set(declaration.name, await declareTopic(tx, declaration))
      for (const { group, topics: names } of groups) {
        for (const name of names) {
          const topic = found.get(name) ?? this.#byName.get(name) ?? (await existing(tx, name))
          found.set(name, topic)
          await placeGroup(tx, group, topic, 'latest')
        }
      }
      return [...found.values()]
    })
    for (const topic of made) this.#keep(topic)
  }

  #keep({ name, id, kind }: Topic): Topic {
    const topic: Topic = { name, id, kind }
    this.#byName.set(name, topic)
    this.#byId.set(id, topic)
    return topic
  }
}

async function existing(tx: Transaction, name: string): Promise<Topic> {
  const row = await tx.get<Topic>('select name, id, kind from broker_topic where name = ?', name)
  if (row !== undefined) return row
  throw new Fault('not_found', `No topic is named '${name}'; declare it together with its groups.`, {
    reason: 'UNKNOWN_TOPIC',
  })
}

async function declareTopic(tx: Transaction, { name, kind }: TopicDeclaration): Promise<Topic> {
  const row = await tx.get<Topic>('select name, id, kind from broker_topic where name = ?', name)
  if (row !== undefined) {
    if (row.kind === kind) return row
    throw new Fault(
      'failed_precondition',
      `Topic '${name}' is kept as ${row.kind} and declared as ${kind}; give the new one another name.`,
      { reason: 'TOPIC_KIND_CHANGED' },
    )
  }
  const last = await tx.get<{ id: number | null }>('select max(id) as id from broker_topic')
  const id = (last?.id ?? -1) + 1
  if (id >= MAX_TOPICS)
    throw new Fault(
      'resource_exhausted',
      `A broker has ${MAX_TOPICS} topics at most; use fewer topics or a second broker.`,
      {
        reason: 'TOO_MANY_TOPICS',
        retryable: false,
      },
    )
  await tx.run('insert into broker_topic (name, id, kind) values (?, ?, ?)', name, id, kind)
  for (let slot = id * PARTITIONS; slot < (id + 1) * PARTITIONS; slot++)
    await tx.run('insert into broker_partition (slot, topic, head) values (?, ?, 0)', slot, id)
  return { name, id, kind }
}

/**
 * Gives a group its place on every partition of a topic, unless it has one. A topic of one-way messages has one group, which starts with what was
 * sent before it came.
 */
export async function placeGroup(
  tx: Transaction,
  group: string,
  topic: Topic,
  from: 'earliest' | 'latest',
): Promise<void> {
  const first = topic.id * PARTITIONS
  const has = await tx.get(
    'select slot from broker_lease where group_name = ? and slot >= ? and slot < ? limit 1',
    group,
    first,
    first + PARTITIONS,
  )
  if (has !== undefined) return
  if (topic.kind === 'message') {
    const other = await tx.get<{ group_name: string }>(
      'select group_name from broker_lease where slot = ? limit 1',
      first,
    )
    if (other !== undefined)
      throw new Fault(
        'failed_precondition',
        `'${topic.name}' is a one-way message that group '${other.group_name}' handles; group '${group}' cannot handle it too. Publish an event instead.`,
        { reason: 'MESSAGE_HAS_ONE_GROUP' },
      )
  }
  for (let slot = first; slot < first + PARTITIONS; slot++) {
    const head = (await tx.get<{ head: number }>('select head from broker_partition where slot = ?', slot))?.head ?? 0
    let settledTo = head
    if (from === 'earliest' || topic.kind === 'message') {
      const oldest = await tx.get<{ position: number | null }>(
        'select min(position) as position from broker_message where position > ? and position < ?',
        positionOf(slot, 0),
        positionOf(slot + 1, 0),
      )
      if (oldest?.position != null) settledTo = oldest.position - positionOf(slot, 0) - 1
    }
    await tx.run(
      `insert into broker_lease (group_name, slot, owner, epoch, settled_to, open_offsets, crash_offset, crashes) values (?, ?, null, 0, ?, '', 0, 0)`,
      group,
      slot,
      settledTo,
    )
  }
}
