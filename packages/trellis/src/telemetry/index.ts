export { accessLogged } from './access-logged.ts'
export type { BufferedSinkOptions } from './buffered-sink.ts'
export { fileSink } from './file-sink.ts'
export type { LoggerOptions } from './logger.ts'
export { createLogger, silentLogger } from './logger.ts'
export { measured } from './measured.ts'
export type { MetricsRegistry } from './metrics.ts'
export { createMetrics, DURATION_BUCKETS, METRICS_CONTENT_TYPE } from './metrics.ts'
export { processMetrics } from './process-metrics.ts'
export { isSensitiveName, REDACTED } from './redact.ts'
export type { RingSpans } from './ring-spans.ts'
export { ringSpans } from './ring-spans.ts'
export type { SpanFile } from './span-file.ts'
export { spanFile } from './span-file.ts'
export type { TextStream } from './stdout-sink.ts'
export { stdoutSink } from './stdout-sink.ts'
export type {
  Counter,
  CounterSeries,
  Fields,
  FieldValue,
  Gauge,
  GaugeSeries,
  Histogram,
  HistogramSeries,
  Labels,
  Logger,
  LogLevel,
  LogSink,
  Metrics,
  SpanRecord,
  SpanSink,
} from './telemetry.ts'
export type { TracingOptions } from './traced.ts'
export { traced } from './traced.ts'
