export type { PostgresOptions } from './postgres.ts'
export { openPostgres } from './postgres.ts'
