import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVirtualRuntime } from '../testing/index.ts'
import { createMetrics } from './metrics.ts'
import { processMetrics } from './process-metrics.ts'

test('every process tells its processor time, memory and event loop', () => {
  const metrics = createMetrics()
  const stop = processMetrics(createVirtualRuntime({ seed: 1 }), metrics)
  try {
    metrics.render()
    const text = metrics.render()
    const value = (series: string): number =>
      Number(
        text
          .split('\n')
          .find(line => line.startsWith(`${series} `))
          ?.split(' ')[1],
      )
    assert.ok(value('process_cpu_seconds_total') > 0)
    assert.ok(value('process_resident_memory_bytes') > 10e6)
    assert.equal(value('process_start_time_seconds'), Date.UTC(2026, 0, 1) / 1000)
    assert.ok(value('nodejs_heap_bytes{part="used"}') > 1e6)
    assert.ok(value('nodejs_eventloop_utilization_ratio') >= 0)
    for (const at of ['p50', 'p99', 'max']) assert.ok(value(`nodejs_eventloop_delay_seconds{at="${at}"}`) >= 0, at)
  } finally {
    stop()
  }
})
