import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { requireTool } from '../../../../scripts/tool-cache.ts'
import { CallContext, chain, Fault } from '../kernel/index.ts'
import { createVirtualRuntime } from '../testing/index.ts'
import { measured } from './measured.ts'
import { createMetrics } from './metrics.ts'
import { processMetrics } from './process-metrics.ts'

const promtool = requireTool('promtool', 'the metrics text checked by promtool')

test('promtool finds nothing to say about the metrics', { skip: promtool === undefined }, async () => {
  const runtime = createVirtualRuntime({ seed: 1 })
  const metrics = createMetrics()
  const stop = processMetrics(runtime, metrics)
  for (const kind of ['server', 'client', 'route', 'consumer', 'timer', 'job', 'saga-step'] as const) {
    const handler = chain(measured(metrics))(
      async (ok: boolean) => {
        if (!ok) throw new Fault('not_found', 'no')
      },
      { kind, name: 'a "quoted" name\n', operation: 'get' },
    )
    await handler(true, new CallContext(runtime))
    await handler(false, new CallContext(runtime)).catch(() => undefined)
  }
  for (let series = 0; series < 1_100; series++) metrics.gauge('many', 'Many.').set(1, { series: String(series) })
  const checked = spawnSync(promtool as string, ['check', 'metrics'], { input: metrics.render(), encoding: 'utf8' })
  stop()
  assert.equal(`${checked.stdout}${checked.stderr}`, '')
  assert.equal(checked.status, 0)
})
