import type { Fault } from '../kernel/fault.ts'

/** Whether an answer is a stream. */
export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/**
 * The same stream, which ends with a fault in place of its first item, or of its end, unless `refusal` gives none by then. Later items pass without a question.
 * When it is refused the source is closed, so that nothing keeps running behind it.
 */
export function guardedStream<T>(source: AsyncIterable<T>, refusal: () => Fault | undefined): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<T> {
      const items = source[Symbol.asyncIterator]()
      let open = false
      return {
        async next() {
          const result = await items.next()
          if (open) return result
          const fault = refusal()
          if (fault !== undefined) {
            await items.return?.()
            throw fault
          }
          open = true
          return result
        },
        async return(value?: unknown) {
          await items.return?.(value)
          return { done: true, value: undefined }
        },
      }
    },
  }
}
