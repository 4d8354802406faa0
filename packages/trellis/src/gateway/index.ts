export type { ExposeOptions } from './expose.ts'
export { expose } from './expose.ts'
export type { CorsOptions, Exposed, GatewayOptions, SiteOptions } from './gateway.ts'
