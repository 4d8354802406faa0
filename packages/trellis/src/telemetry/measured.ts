import type { Outcome } from '../kernel/context.ts'
import type { Handler, Middleware, Target, TargetKind } from '../kernel/handler.ts'
import { runToEnd } from './call-end.ts'
import type { HistogramSeries, Metrics } from './telemetry.ts'

/** What each kind of target is called in its metric, and what its name and operation are as labels. */
const INSTRUMENTS: Readonly<
  Record<TargetKind, readonly [metric: string, help: string, name: string, operation: string]>
> = {
  server: [
    'trellis_rpc_server_duration_seconds',
    'Calls answered, by outcome; streams to their end.',
    'contract',
    'operation',
  ],
  client: [
    'trellis_rpc_client_duration_seconds',
    'Calls made, by outcome; streams to their end.',
    'contract',
    'operation',
  ],
  route: [
    'trellis_gateway_duration_seconds',
    'Requests at the gateway, by outcome; streams to their end.',
    'contract',
    'operation',
  ],
  consumer: ['trellis_consumer_duration_seconds', 'Messages handled, by outcome.', 'topic', 'group'],
  timer: ['trellis_timer_duration_seconds', 'Timers handled, by outcome.', 'timer', 'operation'],
  job: ['trellis_job_duration_seconds', 'Runs of jobs, by outcome.', 'job', 'operation'],
  'saga-step': ['trellis_saga_step_duration_seconds', 'Steps of sagas, by outcome.', 'saga', 'step'],
}

/** Measures how long calls take, by target and by `code`: `ok` or the code of the fault. One histogram for each kind of target. */
export function measured(metrics: Metrics): Middleware {
  return <I, O>(next: Handler<I, O>, target: Target): Handler<I, O> => {
    const byCode = durationsByCode(metrics, target)
    const streaming = target.streaming === true
    return (input, ctx) => {
      const clock = ctx.runtime.clock
      const start = clock.monotonic()
      return runToEnd(next, input, ctx, streaming, outcome => {
        byCode(codeOf(outcome)).observe((clock.monotonic() - start) / 1000)
      })
    }
  }
}

function durationsByCode(metrics: Metrics, target: Target): (code: string) => HistogramSeries {
  const [metric, help, name, operation] = INSTRUMENTS[target.kind]
  const histogram = metrics.histogram(metric, help)
  const known = new Map<string, HistogramSeries>()
  return code => {
    let series = known.get(code)
    if (series === undefined) {
      series = histogram.with({ [name]: target.name, [operation]: target.operation, code })
      known.set(code, series)
    }
    return series
  }
}

/** `ok`, or the code of the fault. */
export function codeOf(outcome: Outcome): string {
  return outcome.ok ? 'ok' : outcome.fault.code
}
