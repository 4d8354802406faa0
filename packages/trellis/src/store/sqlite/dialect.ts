import type { Dialect } from '../dialect.ts'

/** SQLite's spelling. One writer at a time holds the whole database, so that there are no row locks to ask for. */
export const sqliteDialect: Dialect = {
  name: 'sqlite',
  types: {
    key: 'text',
    text: 'text',
    integer: 'integer',
    real: 'real',
    bytes: 'blob',
    serial: 'integer primary key autoincrement', // without autoincrement the highest number is used again once its row is gone
  },
  insertOrIgnore: (table, columns) => `${insert(table, columns)} on conflict do nothing`,
  upsert: (table, keys, columns) => {
    const others = columns.filter(column => !keys.includes(column))
    const action =
      others.length === 0 ? 'nothing' : `update set ${others.map(c => `"${c}" = excluded."${c}"`).join(', ')}`
    return `${insert(table, columns)} on conflict (${keys.map(key => `"${key}"`).join(', ')}) do ${action}`
  },
  forUpdateSkipLocked: '',
  forUpdate: '',
}

function insert(table: string, columns: readonly string[]): string {
  return `insert into "${table}" (${columns.map(c => `"${c}"`).join(', ')}) values (${columns.map(() => '?').join(', ')})`
}
