import type { CallContext } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'

/** The streams that run at a gateway, by their readers. Each holds a connection on both sides for as long as its reader likes. */
export class Streams {
  readonly #maxPerCaller: number
  readonly #running = new Set<CallContext>()
  readonly #callers = new Map<string, number>()

  constructor(maxPerCaller: number) {
    this.#maxPerCaller = maxPerCaller
  }

  /** Counts a stream until its call is settled. The fault of one too many is to be its answer. */
  enter(caller: string, ctx: CallContext): Fault | undefined {
    const count = this.#callers.get(caller) ?? 0
    if (count >= this.#maxPerCaller) return tooMany(this.#maxPerCaller)
    this.#callers.set(caller, count + 1)
    this.#running.add(ctx)
    ctx.onSettled(() => this.#leave(caller, ctx))
    return undefined
  }

  /** Cancels all of them. */
  end(fault: Fault): void {
    for (const ctx of this.#running) ctx.cancel(fault)
  }

  #leave(caller: string, ctx: CallContext): void {
    this.#running.delete(ctx)
    const left = (this.#callers.get(caller) as number) - 1
    if (left === 0) this.#callers.delete(caller)
    else this.#callers.set(caller, left)
  }
}

function tooMany(most: number): Fault {
  return new Fault('resource_exhausted', `You read ${most} streams already; close one before you open another.`, {
    reason: 'TOO_MANY_STREAMS',
    retryable: false,
  })
}
