import type { Runtime } from '../kernel/runtime.ts'
import { BufferedSink, type BufferedSinkOptions } from './buffered-sink.ts'
import type { LogSink } from './telemetry.ts'

/** The part of a Node stream that the sink uses. */
export interface TextStream {
  write(text: string, done?: (error?: Error | null) => void): boolean
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
}

/**
 * Writes lines to standard output, once per turn. What waits when the process exits is written at once; a reader that went away (a closed
 * pipe) costs lines, which are counted, and never the process.
 */
export function stdoutSink(
  runtime: Runtime,
  options: BufferedSinkOptions & { readonly stream?: TextStream } = {},
): LogSink {
  const stream = options.stream ?? process.stdout
  // Without a listener a closed pipe would end the process; the failed write itself is reported to its callback.
  const ignore = (): void => undefined
  stream.on('error', ignore)
  const onExit = (): void => {
    const rest = sink.takePending()
    if (rest !== '') stream.write(rest)
  }
  process.on('exit', onExit)
  const sink = new BufferedSink(
    runtime,
    {
      append: text =>
        new Promise((resolve, reject) => {
          stream.write(text, error => (error === undefined || error === null ? resolve() : reject(error)))
        }),
      close: async () => {
        process.off('exit', onExit)
        stream.off('error', ignore)
      },
    },
    options,
  )
  return sink
}
