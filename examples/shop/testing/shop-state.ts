import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** What each service owns. Not among it: what is on its way, marks of messages, kept answers, counts of failures. */
const OWNED = {
  users: ['account', 'credential', 'session_key'],
  catalog: ['category', 'product'],
  inventory: ['stock', 'adjustment', 'reservation', 'reservation_line'],
  payments: ['payment', 'refund'],
  orders: ['trellis_events'],
  notifications: ['notification'],
  analytics: ['figure'],
} as const

/** Everything that the services of a shop own, as text: two that are equal are the same state. */
export function shopState(folder: string): string {
  const tables: string[] = []
  for (const [service, names] of Object.entries(OWNED)) {
    using database = new DatabaseSync(join(folder, service, `${service}.db`), { readOnly: true })
    for (const name of names) tables.push(`${name}: ${JSON.stringify(database.prepare(`select * from ${name}`).all())}`)
  }
  return tables.join('\n')
}
