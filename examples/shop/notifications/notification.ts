/** Notifications, as rows: an inbox a user. */
import type { Migration, Sql } from 'trellis/store'
import type { Notification } from './contract.ts'

export const notificationMigrations: readonly Migration[] = [
  {
    name: '001-notifications',
    statements: ({ types }) => [
      `create table notification (seq ${types.serial}, id ${types.key} not null unique, user_id ${types.key} not null, kind ${types.key} not null,
        order_id ${types.key}, subject ${types.text} not null, body ${types.text} not null, at ${types.integer} not null)`,
      'create index notification_by_user on notification (user_id, seq)',
    ],
  },
]

interface NotificationRow {
  readonly seq: number
  readonly id: string
  readonly user_id: string
  readonly kind: string
  readonly order_id: string | null
  readonly subject: string
  readonly body: string
  readonly at: number
}

/** A notification with its place in the user's inbox. */
export interface Placed {
  readonly seq: number
  readonly notification: Notification
}

const COLUMNS = 'seq, id, user_id, kind, order_id, subject, body, at'

function toPlaced(row: NotificationRow): Placed {
  return {
    seq: row.seq,
    notification: {
      id: row.id,
      kind: row.kind,
      ...(row.order_id === null ? {} : { orderId: row.order_id }),
      subject: row.subject,
      text: row.body,
      at: new Date(row.at).toISOString(),
    },
  }
}

/** Keeps a notification; false when the one of this id is there already. */
export async function keep(
  tx: Sql & {
    readonly now: number
    readonly dialect: { insertOrIgnore(table: string, columns: readonly string[]): string }
  },
  notification: {
    readonly notificationId: string
    readonly userId: string
    readonly kind: string
    readonly orderId?: string | undefined
    readonly subject: string
    readonly text: string
  },
): Promise<boolean> {
  const added = await tx.run(
    tx.dialect.insertOrIgnore('notification', ['id', 'user_id', 'kind', 'order_id', 'subject', 'body', 'at']),
    notification.notificationId,
    notification.userId,
    notification.kind,
    notification.orderId ?? null,
    notification.subject,
    notification.text,
    tx.now,
  )
  return added > 0
}

/** A user's notifications before a place, newest first. */
export async function newest(sql: Sql, userId: string, before: number, limit: number): Promise<Placed[]> {
  const rows = await sql.all<NotificationRow>(
    `select ${COLUMNS} from notification where user_id = ? and seq < ? order by seq desc limit ?`,
    userId,
    before,
    limit,
  )
  return rows.map(toPlaced)
}

/** A user's notifications after a place, oldest first. */
export async function following(sql: Sql, userId: string, after: number, limit: number): Promise<Placed[]> {
  const rows = await sql.all<NotificationRow>(
    `select ${COLUMNS} from notification where user_id = ? and seq > ? order by seq limit ?`,
    userId,
    after,
    limit,
  )
  return rows.map(toPlaced)
}

/** The place of a notification in the inbox of its user, or undefined. */
export async function placeOf(sql: Sql, userId: string, id: string): Promise<number | undefined> {
  const row = await sql.get<{ seq: number }>('select seq from notification where id = ? and user_id = ?', id, userId)
  return row?.seq
}

/** The last place that is taken. */
export async function lastPlace(sql: Sql): Promise<number> {
  return (await sql.get<{ last: number | null }>('select max(seq) as last from notification'))?.last ?? 0
}
