import { dirname } from 'node:path'
import type { File, Runtime } from '../kernel/runtime.ts'
import { BufferedSink, type BufferedSinkOptions } from './buffered-sink.ts'
import type { LogSink } from './telemetry.ts'

/**
 * Appends lines to a file, once per turn; makes the file and its folder at the first line. After a failure the file is opened anew, so that a
 * log comes back when the disk does. Dispose of it (or `flush`) before the process exits: files have no synchronous way out.
 */
export function fileSink(runtime: Runtime, path: string, options: BufferedSinkOptions = {}): LogSink {
  let file: File | undefined
  const close = async (): Promise<void> => {
    const open = file
    file = undefined
    await open?.[Symbol.asyncDispose]()
  }
  return new BufferedSink(
    runtime,
    {
      async append(text) {
        try {
          if (file === undefined) {
            await runtime.fs.makeFolder(dirname(path))
            file = await runtime.fs.open(path)
          }
          await file.append(text)
        } catch (error) {
          await close().catch(() => undefined) // the write has failed already; that is the news
          throw error
        }
      },
      close,
    },
    options,
  )
}
