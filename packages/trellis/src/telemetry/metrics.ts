import { BucketInstrument, type Instrument, NumberInstrument } from './instruments.ts'
import type { Counter, Gauge, Histogram, Metrics } from './telemetry.ts'

/**
 * Default buckets, in seconds: from half a millisecond, below which an in-process call lies, to 30 s, the longest that a message's handling
 * lasts by default; two or three to a decade, since dashboards show quantiles and not their third digit.
 */
export const DURATION_BUCKETS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
]

/** Content type of what `render` returns. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Instruments, and their values as text. */
export interface MetricsRegistry extends Metrics {
  /** All values in the Prometheus text format 0.0.4. Followed values are read now. */
  render(): string
}

const NAME = /^[a-z_:][a-z0-9_:]*$/

/**
 * Makes a registry.
 *
 * @example
 * const metrics = createMetrics()
 * const placed = metrics.counter('shop_orders_placed_total', 'Orders placed.').with({ method: 'card' })
 * placed.add(1)
 */
export function createMetrics(): MetricsRegistry {
  return new Registry()
}

class Registry implements MetricsRegistry {
  readonly #instruments = new Map<string, { readonly help: string; readonly instrument: Instrument }>()
  readonly #rejected = new NumberInstrument('counter', 'trellis_metrics_rejected_total', () => undefined)

  constructor() {
    this.#instruments.set('trellis_metrics_rejected_total', {
      help: 'Values that an instrument did not take: not a number that it can count, or one label set too many (counted in the series "other").',
      instrument: this.#rejected,
    })
  }

  counter(name: string, help: string): Counter {
    if (!name.endsWith('_total')) throw new TypeError(`Counter ${name}: the name of a counter ends in _total.`)
    return this.#instrument(name, help, 'counter', () => new NumberInstrument('counter', name, this.#reject(name)))
  }

  gauge(name: string, help: string): Gauge {
    return this.#instrument(name, help, 'gauge', () => new NumberInstrument('gauge', name, this.#reject(name)))
  }

  histogram(name: string, help: string, buckets: readonly number[] = DURATION_BUCKETS): Histogram {
    const ascending = buckets.every(
      (bound, index) => Number.isFinite(bound) && !(bound <= (buckets[index - 1] ?? -Infinity)),
    )
    if (buckets.length === 0 || !ascending) {
      throw new RangeError(`Histogram ${name}: buckets ${JSON.stringify(buckets)} must be finite and ascending.`)
    }
    const made = this.#instrument(
      name,
      help,
      'histogram',
      () => new BucketInstrument(name, buckets, this.#reject(name)),
    )
    if (made.bounds.join() !== buckets.join()) {
      throw new TypeError(`Histogram ${name} was made before with other buckets: ${made.bounds.join(', ')}.`)
    }
    return made
  }

  render(): string {
    let text = ''
    for (const [name, { help, instrument }] of this.#instruments) {
      const samples = instrument.render()
      if (samples === '') continue
      text += `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${instrument.type}\n${samples}`
    }
    return text
  }

  #instrument<I extends Instrument>(name: string, help: string, type: I['type'], make: () => I): I {
    const known = this.#instruments.get(name)
    if (known !== undefined) {
      if (known.instrument.type === type) return known.instrument as I
      throw new TypeError(`Metric ${name} is a ${known.instrument.type}; a ${type} needs another name.`)
    }
    checkName(name, type)
    if (help.trim() === '') throw new TypeError(`Metric ${name}: say in one sentence what it measures.`)
    const instrument = make()
    this.#instruments.set(name, { help, instrument })
    return instrument
  }

  #reject(instrument: string): (reason: 'invalid_value' | 'label_limit') => void {
    return reason => this.#rejected.add(1, { instrument, reason })
  }
}

function checkName(name: string, type: Instrument['type']): void {
  if (!NAME.test(name))
    throw new TypeError(`Metric name ${JSON.stringify(name)}: use a-z, 0-9, _ and :, no digit first.`)
  if (/_(count|sum|bucket)$/.test(name)) {
    throw new TypeError(`Metric ${name}: the endings _count, _sum and _bucket belong to histograms' own series.`)
  }
  if (type !== 'counter' && name.endsWith('_total')) throw new TypeError(`Metric ${name}: only counters end in _total.`)
}
