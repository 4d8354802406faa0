import { join } from 'node:path'
import type { Runtime } from '../kernel/index.ts'
import type { Logger, LogLevel, SpanSink } from '../telemetry/index.ts'
import { createLogger, fileSink, spanFile, stdoutSink } from '../telemetry/index.ts'
import type { Environment } from './settings.ts'

/** Where the logs of a system lie, below its data folder. */
export const LOG_FOLDER = 'log'

/** The log of a process: everything as JSON lines in a file, warnings and worse (or errors alone, if the level says so) for people on the terminal. */
export interface ProcessLog extends AsyncDisposable {
  readonly logger: Logger
  readonly path: string
}

/** Opens `log/<name>.log` below the data folder. */
export async function openLog(
  runtime: Runtime,
  options: { readonly folder: string; readonly name: string; readonly level: LogLevel },
): Promise<ProcessLog> {
  const folder = join(options.folder, LOG_FOLDER)
  await runtime.fs.makeFolder(folder)
  const path = join(folder, `${options.name}.log`)
  const file = fileSink(runtime, path)
  const terminal = stdoutSink(runtime, { stream: process.stderr })
  const logger = both(
    createLogger(runtime, { sink: file, level: options.level }),
    createLogger(runtime, {
      sink: terminal,
      level: options.level === 'error' ? 'error' : 'warn',
      format: 'pretty',
      colour: process.stderr.isTTY === true,
    }),
  )
  return {
    logger,
    path,
    [Symbol.asyncDispose]: async () => {
      await file[Symbol.asyncDispose]()
      await terminal[Symbol.asyncDispose]()
    },
  }
}

function both(first: Logger, second: Logger): Logger {
  return {
    log: (level, message, fields, ctx, error) => {
      first.log(level, message, fields, ctx, error)
      second.log(level, message, fields, ctx, error)
    },
    with: fields => both(first.with(fields), second.with(fields)),
  }
}

/** `TRELLIS_TRACES=file` appends each span to a file beside the log. */
export function openTraces(
  runtime: Runtime,
  { folder, environment }: { readonly folder: string; readonly environment: Environment },
  name: string,
  stack: AsyncDisposableStack,
): SpanSink | undefined {
  if (environment.TRELLIS_TRACES !== 'file') return undefined
  return stack.use(spanFile(runtime, join(folder, LOG_FOLDER, `${name}.spans`)))
}
