export type { StoreUnderTest } from './store.ts'
export { storeConformance } from './store.ts'
