export type { Dialect } from './dialect.ts'
export type { Migration } from './migration.ts'
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
