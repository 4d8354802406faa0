import type { SpanRecord, SpanSink } from './telemetry.ts'

/** Spans kept in memory. */
export interface RingSpans extends SpanSink {
  /** The spans kept, in the order in which they ended; of one trace when its id is given. */
  spans(traceId?: string): SpanRecord[]
}

/** Keeps the last `capacity` spans (default 10,000, about 3 MB), for tests and for looking at a running service. */
export function ringSpans(capacity = 10_000): RingSpans {
  if (!Number.isInteger(capacity) || capacity < 1)
    throw new RangeError(`capacity is ${capacity}; it must be 1 or more.`)
  const ring: SpanRecord[] = []
  let next = 0
  return {
    record(span) {
      ring[next] = span
      next = (next + 1) % capacity
    },
    spans(traceId) {
      const inOrder = ring.length < capacity ? ring : [...ring.slice(next), ...ring.slice(0, next)]
      return inOrder.filter(span => traceId === undefined || span.traceId === traceId)
    },
  }
}
