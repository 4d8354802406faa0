import type { Runtime } from '../kernel/runtime.ts'
import type { BufferedSinkOptions } from './buffered-sink.ts'
import { fileSink } from './file-sink.ts'
import { jsonMembers } from './json-text.ts'
import type { LogSink, SpanSink } from './telemetry.ts'

/** Spans on their way to a file. */
export interface SpanFile extends SpanSink, AsyncDisposable {
  /** Resolves when the spans so far are in the file, or were lost and counted. */
  flush(): Promise<void>
  /** Spans lost since the start. */
  readonly dropped: number
}

/** Appends each span to a file as one line of JSON with the members of `SpanRecord`, so that `grep` finds a trace. Buffered as a log file is. */
export function spanFile(runtime: Runtime, path: string, options: BufferedSinkOptions = {}): SpanFile {
  const sink: LogSink = fileSink(runtime, path, options)
  return {
    record: span => sink.write(`{${jsonMembers({ ...span })}}\n`),
    flush: () => sink.flush(),
    get dropped() {
      return sink.dropped
    },
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  }
}
