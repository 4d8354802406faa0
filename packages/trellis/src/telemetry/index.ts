export type {
  Counter,
  Fields,
  Gauge,
  Histogram,
  Logger,
  LogLevel,
  Metrics,
  SpanRecord,
  SpanSink,
} from './telemetry.ts'
