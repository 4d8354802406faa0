/** What the services of one process stand on. Made by `system/` from a system and its settings; by hand in a test. */
import type { Registry } from '../discovery/index.ts'
import type { Middleware, Runtime } from '../kernel/index.ts'
import type { Broker } from '../messaging/index.ts'
import type { Transport } from '../rpc/index.ts'
import type { Identify } from '../security/index.ts'
import type { Store } from '../store/index.ts'
import type { Logger, MetricsRegistry, SpanSink } from '../telemetry/index.ts'
import type { Check } from './health.ts'

/** Something that a service tells whoever starts the system. */
export interface Notice {
  readonly service: string
  readonly text: string
  /** To be shown, and never kept. */
  readonly secret: boolean
}

/** The means that services of a process share. */
export interface Platform {
  readonly runtime: Runtime
  readonly broker: Broker
  readonly registry: Registry
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  /** Takes finished spans; none: they are not recorded. */
  readonly spans: SpanSink | undefined
  /** Enforces `allow`. */
  readonly authorize: Middleware
  /** Who asks, by the headers of a request. */
  readonly identify: Identify
  /** Whether what is shared can serve: broker, registry. */
  readonly checks: Readonly<Record<string, Check>>
  /** Names this process among those of a service; the same after a restart, and of no two at once. */
  instance(service: string): string
  /** A setting by its name in the environment. */
  setting(name: string): string | undefined
  /** Shows a notice to whoever started the system. */
  notice(notice: Notice): void
  /** Opens the store of a service; the service disposes of it. */
  openStore(service: string): Promise<Store>
  /** A folder of a service's own, which exists. */
  folder(service: string): Promise<string>
  /** How the calls of a service leave it. */
  transport(service: string): Transport
}
