import type { Context } from '../kernel/context.ts'
import { jsonError, jsonMembers, jsonString } from './json-text.ts'
import type { Fields, LogLevel } from './telemetry.ts'

/** One thing to log, before it is text. */
export interface LogEntry {
  /** Wall clock, milliseconds since 1970. */
  readonly timeMs: number
  readonly level: LogLevel
  readonly message: string
  readonly fields: Fields | undefined
  readonly ctx: Context | undefined
  readonly error: unknown
}

/** How a line looks. `bound` are the logger's own fields, which give way to the entry's of the same name. */
export type LineFormat = (entry: LogEntry, bound: Fields | undefined, boundText: string) => string

/**
 * One JSON object a line, its members in this order: time, level, message, service, traceId, spanId, subject, via, fields, error. Bound fields come as
 * `boundText`, their JSON made once.
 */
export function jsonLines(service: string | undefined): LineFormat {
  const serviceText = service === undefined ? '' : `,"service":${jsonString(service)}`
  const time = isoTime()
  return ({ timeMs, level, message, fields, ctx, error }, bound, boundText) => {
    let line = `{"time":"${time(timeMs)}","level":"${level}","message":${jsonString(String(message))}${serviceText}`
    if (ctx !== undefined) line += contextMembers(ctx)
    const text = fieldsText(fields, bound, boundText)
    if (text !== '') line += `,"fields":{${text}}`
    if (error !== undefined) line += `,"error":${jsonError(error)}`
    return `${line}}\n`
  }
}

function contextMembers(ctx: Context): string {
  const { trace, identity } = ctx
  let text = `,"traceId":"${trace.traceId}","spanId":"${trace.spanId}"`
  if (identity !== undefined) {
    text += `,"subject":${jsonString(identity.subject)}`
    if (identity.via !== undefined) text += `,"via":${jsonString(identity.via)}`
  }
  return text
}

function fieldsText(fields: Fields | undefined, bound: Fields | undefined, boundText: string): string {
  if (fields === undefined) return boundText
  if (bound === undefined) return jsonMembers(fields)
  for (const name in fields) if (name in bound) return jsonMembers({ ...bound, ...fields })
  const own = jsonMembers(fields)
  return own === '' ? boundText : `${boundText},${own}`
}

/** Formats wall times as RFC 3339 in UTC. A date is computed once a second, not once a line. */
export function isoTime(): (timeMs: number) => string {
  let second = Number.NaN
  let prefix = ''
  return timeMs => {
    const whole = Math.floor(timeMs / 1000)
    if (whole !== second) {
      prefix = new Date(whole * 1000).toISOString().slice(0, 20)
      second = whole
    }
    const ms = Math.floor(timeMs - whole * 1000)
    return `${prefix}${ms < 10 ? '00' : ms < 100 ? '0' : ''}${ms}Z`
  }
}
