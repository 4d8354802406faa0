/**
 * Regular expression of the decimal spellings of the integers from `minimum` to `maximum`, inclusive, without leading zeros. JSON Schema
 * bounds numbers only; where a number may come as a string, the string's bounds have to be a pattern. At most 15 digits.
 */
export function integerPattern(minimum: number, maximum: number): string {
  const low = Math.max(Math.ceil(minimum), -MOST)
  const high = Math.min(Math.floor(maximum), MOST)
  const parts: string[] = []
  if (low < 0) parts.push(`-(?:${naturals(Math.max(1, -high), -low).join('|')})`)
  if (high >= 0) parts.push(...naturals(Math.max(0, low), high))
  return `^(?:${parts.join('|')})$`
}

const MOST = 999_999_999_999_999

/** Alternatives for the numbers between two naturals: whole decades together, the rest digit by digit. */
function naturals(low: number, high: number): string[] {
  if (low > high) return []
  if (low === 0) return ['0', ...naturals(1, high)]
  const parts: string[] = []
  let whole: { from: number; to: number } | undefined
  for (let length = String(low).length; length <= String(high).length; length++) {
    const first = 10 ** (length - 1)
    const last = 10 ** length - 1
    if (low <= first && high >= last) whole = { from: whole?.from ?? length, to: length }
    else parts.push(...sameLength(String(Math.max(low, first)), String(Math.min(high, last))))
  }
  return whole === undefined ? parts : [`[1-9]${digits(whole.from - 1, whole.to - 1)}`, ...parts]
}

function sameLength(low: string, high: string): string[] {
  if (low === high) return [low]
  const rest = low.length - 1
  if (low[0] === high[0]) return sameLength(low.slice(1), high.slice(1)).map(part => low[0] + part)
  if (rest === 0) return [`[${low}-${high}]`]
  const parts: string[] = []
  let from = Number(low[0])
  let to = Number(high[0])
  if (!/^0*$/.test(low.slice(1))) {
    parts.push(...sameLength(low.slice(1), '9'.repeat(rest)).map(part => low[0] + part))
    from++
  }
  const upper: string[] = []
  if (!/^9*$/.test(high.slice(1))) {
    upper.push(...sameLength('0'.repeat(rest), high.slice(1)).map(part => high[0] + part))
    to--
  }
  if (from <= to) parts.push(`${from === to ? from : `[${from}-${to}]`}${digits(rest, rest)}`)
  return [...parts, ...upper]
}

function digits(least: number, most: number): string {
  if (most === 0) return ''
  return least === most ? (most === 1 ? '[0-9]' : `[0-9]{${most}}`) : `[0-9]{${least},${most}}`
}
