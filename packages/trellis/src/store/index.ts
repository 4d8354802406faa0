export type { Dialect } from './dialect.ts'
export { migrate } from './migrate.ts'
export type { Migration } from './migration.ts'
export type { StatementKind, StatementShape } from './sql.ts'
export { checkShape, checkValues, shapeOf, sqlError } from './sql.ts'
export type {
  Row,
  Sql,
  SqlValue,
  Store,
  StoreCapabilities,
  StoreHealth,
  Transaction,
  TransactionOptions,
} from './store.ts'
