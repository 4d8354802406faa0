import { SeriesTable } from './series-table.ts'
import type { Counter, CounterSeries, Gauge, GaugeSeries, Histogram, HistogramSeries, Labels } from './telemetry.ts'

/** Tells the registry about a value that an instrument would not take. */
export type Reject = (reason: 'invalid_value' | 'label_limit') => void

/** An instrument as the registry sees it. */
export interface Instrument {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Sample lines in Prometheus text. */
  render(): string
}

/** A series with one number, or with a function that knows it. */
class NumberSeries implements CounterSeries, GaugeSeries {
  value = 0
  read: (() => number) | undefined
  readonly #reject: Reject

  constructor(reject: Reject) {
    this.#reject = reject
  }

  add(value: number): void {
    if (value >= 0 && value < Number.POSITIVE_INFINITY) this.value += value
    else this.#reject('invalid_value')
  }

  set(value: number): void {
    this.value = value
  }

  move(delta: number): void {
    this.value += delta
  }
}

/** A counter or a gauge: the two differ in what may be done, not in what is kept. */
export class NumberInstrument implements Counter, Gauge, Instrument {
  readonly type: 'counter' | 'gauge'
  readonly #name: string
  readonly #table: SeriesTable<NumberSeries>

  constructor(type: 'counter' | 'gauge', name: string, reject: Reject) {
    this.type = type
    this.#name = name
    this.#table = new SeriesTable(
      () => new NumberSeries(reject),
      () => reject('label_limit'),
    )
  }

  add(value: number, labels?: Labels): void {
    this.#table.get(labels).add(value)
  }

  set(value: number, labels?: Labels): void {
    this.#table.get(labels).set(value)
  }

  with(labels: Labels): NumberSeries {
    return this.#table.get(labels)
  }

  follow(read: () => number, labels?: Labels): () => void {
    const series = this.#table.get(labels)
    series.read = read
    return () => {
      if (series.read === read) this.#table.remove(labels)
    }
  }

  render(): string {
    let text = ''
    for (const [labels, series] of this.#table.entries) {
      text += `${this.#name}${labels === '' ? '' : `{${labels}}`} ${sampleText(currentValue(series))}\n`
    }
    return text
  }
}

function currentValue(series: NumberSeries): number {
  if (series.read === undefined) return series.value
  try {
    return series.read()
  } catch {
    // A scrape shows everything else; NaN says that this one could not be read.
    return Number.NaN
  }
}

class BucketSeries implements HistogramSeries {
  readonly counts: Float64Array
  sum = 0
  readonly #bounds: readonly number[]
  readonly #reject: Reject

  constructor(bounds: readonly number[], reject: Reject) {
    this.counts = new Float64Array(bounds.length + 1)
    this.#bounds = bounds
    this.#reject = reject
  }

  observe(value: number): void {
    if (!Number.isFinite(value)) {
      this.#reject('invalid_value')
      return
    }
    const bounds = this.#bounds
    let index = 0
    while (index < bounds.length && value > (bounds[index] as number)) index++
    this.counts[index] = (this.counts[index] as number) + 1
    this.sum += value
  }
}

/** A histogram with fixed buckets. */
export class BucketInstrument implements Histogram, Instrument {
  readonly type = 'histogram'
  readonly bounds: readonly number[]
  readonly #name: string
  readonly #table: SeriesTable<BucketSeries>

  constructor(name: string, bounds: readonly number[], reject: Reject) {
    this.bounds = [...bounds]
    this.#name = name
    this.#table = new SeriesTable(
      () => new BucketSeries(this.bounds, reject),
      () => reject('label_limit'),
      'le',
    )
  }

  observe(value: number, labels?: Labels): void {
    this.#table.get(labels).observe(value)
  }

  with(labels: Labels): BucketSeries {
    return this.#table.get(labels)
  }

  render(): string {
    let text = ''
    for (const [labels, series] of this.#table.entries) {
      const prefix = labels === '' ? '' : `${labels},`
      let total = 0
      for (let index = 0; index < series.counts.length; index++) {
        total += series.counts[index] as number
        const bound = this.bounds[index] ?? Number.POSITIVE_INFINITY
        text += `${this.#name}_bucket{${prefix}le="${sampleText(bound)}"} ${total}\n`
      }
      const own = labels === '' ? '' : `{${labels}}`
      text += `${this.#name}_sum${own} ${sampleText(series.sum)}\n${this.#name}_count${own} ${total}\n`
    }
    return text
  }
}

function sampleText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
}
