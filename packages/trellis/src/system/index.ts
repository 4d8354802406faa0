export type { Finding } from './check.ts'
export { checkSystem } from './check.ts'
export type { Companion, System, SystemOptions, TokenOptions } from './system.ts'
export { system } from './system.ts'
