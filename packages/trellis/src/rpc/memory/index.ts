export type { MemoryTransportOptions } from './transport.ts'
export { createMemoryTransport } from './transport.ts'
