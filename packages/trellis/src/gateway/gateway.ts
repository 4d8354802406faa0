/** What the world sees of a system: which operations, where, under which limits. Inert data until `createGateway` makes a handler of it. */
import type { Contract } from '../contract/contract.ts'

/** Operations of a contract that the world may reach. Made by `expose`. */
export interface Exposed {
  readonly contract: Contract
  /** Names of the operations; everything else of the contract is not there. */
  readonly operations: readonly string[]
  /** Bytes of a request's body; undefined: the gateway's limit. */
  readonly maxBodyBytes: number | undefined
}

/** Which pages of other origins may call the API from a browser (https://fetch.spec.whatwg.org/#http-cors-protocol). */
export interface CorsOptions {
  /** Origins such as `https://shop.example`, or `'*'` for all. */
  readonly origins: readonly string[] | '*'
  /** How long a browser may remember the answer, in milliseconds. Default 600,000: browsers keep it no longer than a few of these. */
  readonly maxAgeMs?: number
}

/** A folder of files, served at `/`. */
export interface SiteOptions {
  /** Path of the folder. `index.html` stands for it; names that begin with a dot are not served. Links in it are followed. */
  readonly folder: string
  /** Content-Security-Policy of its pages. Default: everything from the site itself, nothing inline, no frames. */
  readonly contentSecurityPolicy?: string
}

/** What a gateway shows. */
export interface GatewayOptions {
  readonly routes: readonly Exposed[]
  /** Put before each REST route. Default `/api`. */
  readonly basePath?: string
  /** Title of the API's description. Default `API`. */
  readonly title?: string
  /** Version of the API's description. Default `1.0.0`. */
  readonly version?: string
  readonly description?: string
  /** Whether the API is described, at `/docs` and at `openapi.json` below the base path. Default true. */
  readonly docs?: boolean
  readonly site?: SiteOptions
  /** Default: none, so that a browser lets pages of this origin alone call the API. */
  readonly cors?: CorsOptions
  /** Bytes of a request's body. Default 1,048,576; beyond it 413. */
  readonly maxBodyBytes?: number
  /** Longest deadline that a caller may ask for, in milliseconds, and longer only where an operation's own default is. Default 60,000, so that nobody holds resources for long. */
  readonly maxTimeoutMs?: number
  /** Streams that one caller may read at a time, by user where one is signed in, else by network. Default 100; beyond it 429. Each holds a connection to a service. */
  readonly maxStreamsPerCaller?: number
  /**
   * How many proxies of one's own stand in front. Default 0: then `x-forwarded-for` is whatever a caller likes to claim, and the client is who connected. With
   * n, the client is the n-th address of that header, counted from the end.
   */
  readonly trustedProxies?: number
  /** Whether a caller's `traceparent` and `baggage` go on (`continue`, the default), or each request starts a trace of its own (`restart`). */
  readonly trace?: 'continue' | 'restart'
}
