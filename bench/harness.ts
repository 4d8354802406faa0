/** What a benchmark is, what it finds, and how findings are shown. */

/** One finding. */
export interface Row {
  /** Name of the benchmark. */
  readonly name: string
  /** What was done. */
  readonly work: string
  readonly figure: number
  readonly unit: string
  /** The same done by what it is held against, in the same unit; null: there is none. */
  readonly peer: number | null
  /** `figure / peer`. */
  readonly ratio: number | null
  /** What is to be reached, in words; null: the row explains another. */
  readonly bar: string | null
  readonly holds: boolean | null
}

/** A benchmark. Its rows are shown as they come. */
export interface Benchmark {
  readonly name: string
  /** One line for the list. */
  readonly about: string
  run(): AsyncIterable<Row>
}

/** What a figure, or its ratio to the peer's, is to reach. */
export interface Bar {
  readonly of: 'figure' | 'ratio'
  readonly sense: 'at least' | 'at most'
  readonly value: number
}

/** The figure is to be `value` or more. */
export const atLeast = (value: number): Bar => ({ of: 'figure', sense: 'at least', value })
/** The figure is to be `value` or less. */
export const atMost = (value: number): Bar => ({ of: 'figure', sense: 'at most', value })
/** The figure is to be `value` times the peer's or more. */
export const timesThePeer = (value: number): Bar => ({ of: 'ratio', sense: 'at least', value })

/** Makes a row and judges it. */
export function row(
  found: { readonly name: string; readonly work: string; readonly figure: number; readonly unit: string },
  options: { readonly bar?: Bar; readonly peer?: number } = {},
): Row {
  const { bar, peer } = options
  const ratio = peer === undefined ? null : found.figure / peer
  const own = { ...found, peer: peer ?? null, ratio }
  if (bar === undefined) return { ...own, bar: null, holds: null }
  const measured = bar.of === 'figure' ? found.figure : (ratio ?? Number.NaN)
  const holds = bar.sense === 'at least' ? measured >= bar.value : measured <= bar.value
  const sign = bar.sense === 'at least' ? '>=' : '<='
  const unit = bar.of === 'figure' ? found.unit : 'x peer'
  return { ...own, bar: `${sign} ${number(bar.value)} ${unit}`, holds }
}

/** The value that half of them exceed. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** The value that a share of `1 - q` exceeds; nearest rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN
}

/** Resolves after `ms` milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

const HEADS = ['work', 'ours', 'peer', 'ratio', 'bar', 'holds'] as const

/** The rows of a benchmark as a table for people. */
export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ work, figure, unit, peer, ratio, bar, holds }) => [
    work,
    `${number(figure)} ${unit}`,
    peer === null ? '' : `${number(peer)} ${unit}`,
    ratio === null ? '' : number(ratio),
    bar ?? '',
    holds === null ? '' : holds ? 'holds' : 'DOES NOT HOLD',
  ])
  const widths = HEADS.map((head, column) => Math.max(head.length, ...lines.map(line => (line[column] ?? '').length)))
  const text = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join('  ')
      .trimEnd()
  return [text(HEADS), text(widths.map(width => '-'.repeat(width))), ...lines.map(text)].join('\n')
}

/** Three digits are what such a measurement can tell. */
function number(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { maximumFractionDigits: digits })
}
