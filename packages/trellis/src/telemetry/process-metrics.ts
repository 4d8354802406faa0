import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Runtime } from '../kernel/runtime.ts'
import type { Metrics } from './telemetry.ts'

/** How often the event loop's delay is sampled, in milliseconds: 50 wake-ups a second cost an idle process less than 0.1 % of a core. */
const RESOLUTION_MS = 20

/**
 * Adds what every process has: processor time, memory, heap, event loop delay and utilization. Values are read when metrics are rendered; the delay's
 * quantiles are over the time since the last rendering. Returns a function that stops the sampling.
 */
export function processMetrics(runtime: Runtime, metrics: Metrics): () => void {
  const startedAt = runtime.clock.now() / 1000
  metrics
    .gauge('process_start_time_seconds', 'When the process started, in seconds since 1970.')
    .follow(() => startedAt)
  metrics.counter('process_cpu_seconds_total', 'Processor time spent, user and system.').follow(() => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  metrics
    .gauge('process_resident_memory_bytes', 'Memory of the process that is in RAM.')
    .follow(() => process.memoryUsage.rss())
  const heap = metrics.gauge('nodejs_heap_bytes', 'Memory of JavaScript objects, and beside it.')
  heap.follow(() => process.memoryUsage().heapUsed, { part: 'used' })
  heap.follow(() => process.memoryUsage().heapTotal, { part: 'reserved' })
  heap.follow(() => process.memoryUsage().external, { part: 'external' })
  followUtilization(metrics)
  return followDelay(metrics)
}

function followUtilization(metrics: Metrics): void {
  let last = performance.eventLoopUtilization()
  metrics
    .gauge(
      'nodejs_eventloop_utilization_ratio',
      'Share of the time since the last scrape in which the event loop was busy.',
    )
    .follow(() => {
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, last)
      last = now
      return utilization
    })
}

function followDelay(metrics: Metrics): () => void {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  const delay = metrics.gauge(
    'nodejs_eventloop_delay_seconds',
    'By how much the event loop was late since the last scrape: median, 99th percentile, most.',
  )
  // The histogram holds whole intervals; what is beyond the sampling interval is the delay.
  const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000)
  delay.follow(() => seconds(histogram.percentile(50)), { at: 'p50' })
  delay.follow(() => seconds(histogram.percentile(99)), { at: 'p99' })
  delay.follow(
    () => {
      const most = histogram.max
      // The last of the three to be read starts the next window.
      histogram.reset()
      return seconds(most)
    },
    { at: 'max' },
  )
  return () => void histogram.disable()
}
