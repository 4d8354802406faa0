import type { Context } from '../kernel/context.ts'
import type { Runtime } from '../kernel/runtime.ts'
import { jsonMembers } from './json-text.ts'
import { jsonLines, type LineFormat } from './line-format.ts'
import { prettyLines } from './pretty-lines.ts'
import type { Fields, Logger, LogLevel, LogSink } from './telemetry.ts'

/** Options of a logger. */
export interface LoggerOptions {
  /** Where lines go: `stdoutSink`, `fileSink`, or one of your own. */
  readonly sink: LogSink
  /** Least level that is written. Default `info`. */
  readonly level?: LogLevel
  /** `json`: one object a line, for machines. `pretty`: for a terminal. Default `json`. */
  readonly format?: 'json' | 'pretty'
  /** Colours for `pretty`. Default false: the caller knows whether the sink is a terminal. */
  readonly colour?: boolean
  /** Name of the service, on every line. */
  readonly service?: string
}

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/**
 * Makes a logger. Line breaks and control characters are escaped, strings are cut at 8,192 characters, and what looks like a secret is replaced,
 * so that no input can forge a line or leave a credential behind.
 *
 * @example
 * const log = createLogger(runtime, { sink: stdoutSink(runtime), service: 'orders' })
 * log.log('info', 'order placed', { orderId }, ctx)
 */
export function createLogger(runtime: Runtime, options: LoggerOptions): Logger {
  const { sink, level = 'info', format = 'json', colour = false, service } = options
  if (!(level in RANK)) throw new TypeError(`Log level ${JSON.stringify(level)}: use debug, info, warn or error.`)
  if (format !== 'json' && format !== 'pretty') {
    throw new TypeError(`Log format ${JSON.stringify(format)}: use json or pretty.`)
  }
  const lines = format === 'json' ? jsonLines(service) : prettyLines(service, colour)
  return new LineLogger({ runtime, sink, lines, least: RANK[level] }, undefined)
}

/** A logger that writes nothing: for tests, and where someone wants silence. */
export const silentLogger: Logger = { log: () => undefined, with: () => silentLogger }

interface Output {
  readonly runtime: Runtime
  readonly sink: LogSink
  readonly lines: LineFormat
  readonly least: number
}

class LineLogger implements Logger {
  readonly #output: Output
  readonly #bound: Fields | undefined
  readonly #boundText: string

  constructor(output: Output, bound: Fields | undefined) {
    this.#output = output
    this.#bound = bound
    this.#boundText = bound === undefined ? '' : jsonMembers(bound)
  }

  log(level: LogLevel, message: string, fields?: Fields, ctx?: Context, error?: unknown): void {
    const { runtime, sink, lines, least } = this.#output
    if (RANK[level] < least) return
    const timeMs = runtime.clock.now()
    sink.write(lines({ timeMs, level, message, fields, ctx, error }, this.#bound, this.#boundText))
  }

  with(fields: Fields): Logger {
    return new LineLogger(this.#output, { ...this.#bound, ...fields })
  }
}
