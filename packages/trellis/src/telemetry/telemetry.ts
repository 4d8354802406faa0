/** What a service tells about itself: logs, metrics, traces. */
import type { Context } from '../kernel/context.ts'

/** One value of a log line or a span. Nesting is allowed, up to six levels. */
export type FieldValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly FieldValue[]
  | { readonly [name: string]: FieldValue }

/** Values that a log line or a span may carry. Members with a secret's name (`password`, `authorization`, …) are replaced by `[redacted]`; still, do not hand secrets over. */
export type Fields = Readonly<Record<string, FieldValue>>

/** Levels, least first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Writes structured lines. `ctx` adds trace id, span id and identity's subject. Never throws. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: Fields, ctx?: Context, error?: unknown): void
  /** A logger whose lines all carry these fields. */
  with(fields: Fields): Logger
}

/** Where finished lines go. Must not block or throw; what it can't keep, it counts. */
export interface LogSink extends AsyncDisposable {
  /** Takes one line, with its line feed. */
  write(line: string): void
  /** Resolves when every line written so far was handed to the medium, or was dropped and counted. */
  flush(): Promise<void>
  /** Lines lost since the start: the medium refused them, or more were waiting than the buffer may hold. */
  readonly dropped: number
}

/** Label values by name. Values must come from a small set: routes, codes, names; never ids of users or orders. */
export type Labels = Readonly<Record<string, string>>

/** One series of a counter, its labels already resolved. */
export interface CounterSeries {
  /** Adds; a negative or non-finite value is ignored and counted in `trellis_metrics_rejected_total`. */
  add(value: number): void
}

/** A number that only grows. */
export interface Counter {
  add(value: number, labels?: Labels): void
  /** Resolves labels once: hot paths keep the result, which saves half a microsecond per call. */
  with(labels: Labels): CounterSeries
  /** Reads the value of a series at each `render`, for totals that someone else counts. Returns a function that removes the series. */
  follow(read: () => number, labels?: Labels): () => void
}

/** One series of a gauge, its labels already resolved. */
export interface GaugeSeries {
  set(value: number): void
  /** Moves the value by `delta`, which may be negative. */
  move(delta: number): void
}

/** A number that goes up and down. */
export interface Gauge {
  set(value: number, labels?: Labels): void
  /** Resolves labels once, for hot paths. */
  with(labels: Labels): GaugeSeries
  /** Reads the value of a series at each `render`. Returns a function that removes the series. */
  follow(read: () => number, labels?: Labels): () => void
}

/** One series of a histogram, its labels already resolved. */
export interface HistogramSeries {
  /** Counts one observation; a non-finite value is ignored and counted in `trellis_metrics_rejected_total`. */
  observe(value: number): void
}

/** A distribution, in seconds or bytes as its name says. */
export interface Histogram {
  observe(value: number, labels?: Labels): void
  /** Resolves labels once, for hot paths. */
  with(labels: Labels): HistogramSeries
}

/** Makes instruments; asking twice for one name gives the same instrument. Names follow Prometheus: `trellis_rpc_server_duration_seconds`. */
export interface Metrics {
  /** The name ends in `_total`. */
  counter(name: string, help: string): Counter
  gauge(name: string, help: string): Gauge
  /** `buckets` are upper bounds, ascending; default `DURATION_BUCKETS`. */
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
