export { brokerMigrations } from './schema.ts'
export type { StoreBroker, StoreBrokerOptions } from './store-broker.ts'
export { createStoreBroker } from './store-broker.ts'
