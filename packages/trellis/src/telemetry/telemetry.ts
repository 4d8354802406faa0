/** What a service tells about itself: logs, metrics, traces. */
import type { Context } from '../kernel/context.ts'

/** Values that a log line or a span may carry. Never secrets. */
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>

/** Levels, least first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Writes structured lines. `ctx` adds trace id, span id and identity's subject. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: Fields, ctx?: Context, error?: unknown): void
  /** A logger whose lines all carry these fields. */
  with(fields: Fields): Logger
}

/** A number that only grows. */
export interface Counter {
  add(value: number, labels?: Readonly<Record<string, string>>): void
}

/** A number that goes up and down. */
export interface Gauge {
  set(value: number, labels?: Readonly<Record<string, string>>): void
}

/** A distribution, in seconds or bytes as its name says. */
export interface Histogram {
  observe(value: number, labels?: Readonly<Record<string, string>>): void
}

/** Makes instruments; asking twice for one name gives the same instrument. Names follow Prometheus: `trellis_rpc_server_duration_seconds`. */
export interface Metrics {
  counter(name: string, help: string): Counter
  gauge(name: string, help: string): Gauge
  histogram(name: string, help: string, buckets?: readonly number[]): Histogram
}

/** A finished span. Times are milliseconds since 1970. */
export interface SpanRecord {
  readonly name: string
  readonly kind: 'server' | 'client' | 'producer' | 'consumer' | 'internal'
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly startMs: number
  readonly endMs: number
  readonly fields: Fields
  /** The fault code when it failed. */
  readonly failure: string | undefined
}

/** Takes finished spans, for an exporter or a test. Must not block or throw. */
export interface SpanSink {
  record(span: SpanRecord): void
}
