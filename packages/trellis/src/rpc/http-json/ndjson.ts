import { Fault } from '../../kernel/fault.ts'
import { parseJson, stringifyJson } from '../../schema/json.ts'
import { fromProblem, problemText } from './problem.ts'
import type { StreamFormat } from './stream-format.ts'

/** One JSON document a line (https://github.com/ndjson/ndjson-spec). A failed stream ends with `{"fault":…}`, a problem document. */
export const ndjson: StreamFormat = {
  contentType: 'application/x-ndjson',
  item: (_method, item) => `${stringifyJson(item)}\n`,
  fault: fault => `{"fault":${problemText(fault)}}\n`,
  heartbeat: undefined,
}

const NEWLINE = 0x0a

/** The items of a stream of lines. Throws the fault that ends it, and `resource_exhausted` / `LINE_TOO_LONG` beyond `maxLineBytes`. */
export async function* readNdjson(chunks: AsyncIterable<Uint8Array>, maxLineBytes: number): AsyncGenerator<unknown> {
  let begun: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line =
        begun.length === 0 ? chunk.subarray(start, end) : Buffer.concat([...begun, chunk.subarray(start, end)])
      begun = []
      length = 0
      start = end + 1
      if (line.byteLength > 0) yield item(line)
    }
    if (start < chunk.byteLength) {
      begun.push(chunk.subarray(start))
      length += chunk.byteLength - start
      if (length > maxLineBytes) {
        throw new Fault('resource_exhausted', `An item of the stream is longer than ${maxLineBytes} bytes.`, {
          reason: 'LINE_TOO_LONG',
          retryable: false,
        })
      }
    }
  }
  if (length > 0) yield item(Buffer.concat(begun))
}

function item(line: Uint8Array): unknown {
  const value = parseJson(line)
  if (typeof value !== 'object' || value === null || !('fault' in value)) return value
  const fault = fromProblem(value.fault)
  if (fault === undefined) return value
  throw fault
}
