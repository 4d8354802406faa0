import type { CallContext } from '../kernel/context.ts'
import { untilCancelled } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { Handler, Middleware, Target } from '../kernel/handler.ts'

/** How long a call may take. */
export interface DeadlineOptions {
  /** Milliseconds; for a stream until its end. An earlier deadline of the caller holds. */
  readonly timeoutMs: number
}

/**
 * Ends calls that take longer with `deadline_exceeded`, whether or not the work stops; its context is cancelled, so that it can.
 *
 * @example
 * const handler = deadline({ timeoutMs: 500 })(work, target)
 */
export function deadline(options: DeadlineOptions): Middleware {
  const { timeoutMs } = options
  if (!(timeoutMs > 0) || !Number.isFinite(timeoutMs)) {
    throw new RangeError(`timeoutMs is ${timeoutMs}; it must be a number of milliseconds above 0.`)
  }
  return <I, O>(next: Handler<I, O>, target: Target): Handler<I, O> => {
    if (target.streaming !== true) return (input, ctx) => bounded(next, input, ctx.child({ timeoutMs }))
    return async (input, ctx) => {
      const own = ctx.child({ timeoutMs })
      const output = await bounded(next, input, own, true)
      return isAsyncIterable(output) ? (boundedItems(output, own) as O) : output
    }
  }
}

async function bounded<I, O>(next: Handler<I, O>, input: I, own: CallContext, goesOn = false): Promise<O> {
  try {
    const output = await untilCancelled(own, next(input, own))
    if (!goesOn || !isAsyncIterable(output)) own.settle({ ok: true })
    return output
  } catch (error) {
    own.settle({ ok: false, fault: Fault.from(error) })
    throw error
  }
}

async function* boundedItems(items: AsyncIterable<unknown>, own: CallContext): AsyncGenerator<unknown> {
  const iterator = items[Symbol.asyncIterator]()
  let over = false
  try {
    for (;;) {
      const result = await untilCancelled<IteratorResult<unknown>>(own, iterator.next())
      over = result.done === true
      if (result.done === true) break
      yield result.value
    }
    own.settle({ ok: true })
  } catch (error) {
    own.settle({ ok: false, fault: Fault.from(error) })
    throw error
  } finally {
    if (!over) stop(iterator, own)
  }
}

function stop(iterator: AsyncIterator<unknown>, own: CallContext): void {
  const fault = new Fault('cancelled', 'The reader of the stream stopped.', { reason: 'READER_STOPPED' })
  own.cancel(fault)
  own.settle({ ok: false, fault })
  // Not awaited: work that hangs takes the order only after it; its failure has nobody left to hear it.
  iterator.return?.()?.catch(() => undefined)
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
