import type { Context, Outcome } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { Handler } from '../kernel/handler.ts'

/**
 * Runs a handler and reports once how the call ended: a call without a stream when its promise settles, a stream when its context is settled. Whoever
 * settles the context earlier (a server that answers `deadline_exceeded` itself) is believed.
 */
export async function runToEnd<I, O>(
  next: Handler<I, O>,
  input: I,
  ctx: Context,
  streaming: boolean,
  ended: (outcome: Outcome) => void,
): Promise<O> {
  let open = true
  const once = (outcome: Outcome): void => {
    if (!open) return
    open = false
    ended(outcome)
  }
  ctx.onSettled(once)
  try {
    const output = await next(input, ctx)
    if (!streaming) once(OK)
    return output
  } catch (error) {
    once({ ok: false, fault: Fault.from(error) })
    throw error
  }
}

const OK: Outcome = Object.freeze({ ok: true })
