export type { RegistryUnderTest } from './registry.ts'
export { registryConformance } from './registry.ts'
export type { StoreUnderTest } from './store.ts'
export { storeConformance } from './store.ts'
