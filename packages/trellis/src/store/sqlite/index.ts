export type { SqliteOptions } from './sqlite.ts'
export { openSqlite } from './sqlite.ts'
