import { jsonString, jsonValue, MAX_TEXT } from './json-text.ts'
import { isoTime, type LineFormat } from './line-format.ts'
import { isSensitiveName, REDACTED } from './redact.ts'
import type { Fields, FieldValue, LogLevel } from './telemetry.ts'

const LABEL: Readonly<Record<LogLevel, string>> = { debug: 'DEBUG', info: 'INFO ', warn: 'WARN ', error: 'ERROR' }
const COLOUR: Readonly<Record<LogLevel, string>> = { debug: '2', info: '32', warn: '33', error: '31' }
const WORD = /^"[\w.:/@+[\]-]+"$/

/** Lines for people: time of day (UTC), level, service, message, fields, the start of the trace id; an error's stack below, indented. */
export function prettyLines(service: string | undefined, colour: boolean): LineFormat {
  const paint = (code: string, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
  const iso = isoTime()
  const serviceText = service === undefined ? '' : `${paint('36', bare(service))} `
  return ({ timeMs, level, message, fields, ctx, error }, bound) => {
    const head = `${paint('2', iso(timeMs).slice(11, 23))} ${paint(COLOUR[level], LABEL[level])} ${serviceText}`
    const members = pairs({ ...bound, ...fields })
    const trace = ctx === undefined ? '' : ` trace=${ctx.trace.traceId.slice(0, 8)}`
    const tail = `${members}${trace}`
    let line = head + bare(String(message))
    if (tail !== '') line += paint('2', tail)
    for (const text of error === undefined ? [] : errorLines(error)) line += `\n    ${text}`
    return `${line}\n`
  }
}

function pairs(fields: Fields): string {
  let text = ''
  for (const name in fields) {
    const value = fields[name]
    if (value === undefined) continue
    text += ` ${bare(name)}=${isSensitiveName(name) ? REDACTED : shownValue(value)}`
  }
  return text
}

/** A word stands as it is; what has blanks or more is quoted. */
function shownValue(value: FieldValue): string {
  const quoted = jsonValue(value, 1)
  return typeof value === 'string' && WORD.test(quoted) ? quoted.slice(1, -1) : quoted
}

/** Text that can't move the cursor, break the line or colour the terminal. */
function bare(text: string): string {
  return jsonString(text).slice(1, -1).replaceAll('\\"', '"')
}

function errorLines(thrown: unknown, causes = 0): string[] {
  if (!(thrown instanceof Error)) return [jsonValue(thrown, 1)]
  const stack = typeof thrown.stack === 'string' ? thrown.stack : `${thrown.name}: ${thrown.message}`
  const lines = stack.slice(0, MAX_TEXT).split('\n').map(bare)
  if (thrown.cause === undefined || thrown.cause === null || causes >= 5) return lines
  const [first = '', ...rest] = errorLines(thrown.cause, causes + 1)
  return [...lines, `caused by ${first}`, ...rest]
}
