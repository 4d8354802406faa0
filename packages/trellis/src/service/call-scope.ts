/** The rules of `ctx.transaction` within one call: one transaction where something must commit with it, no remote call inside. */
import type { Attribute, Context, Middleware } from '../kernel/index.ts'
import { attribute, Fault } from '../kernel/index.ts'

/** How far a call is with its transactions. */
export class CallScope {
  #committed = false
  #inside = 0

  /** A transaction begins. With `only`, one beside or after another is refused: it would commit without the key of the call. */
  begin(only: boolean): void {
    if (only && (this.#committed || this.#inside > 0)) {
      throw new Fault(
        'internal',
        'A call with an idempotency key has one ctx.transaction; a second would act again when the call is repeated. Put both into one.',
        {
          reason: 'SECOND_TRANSACTION',
        },
      )
    }
    this.#inside++
  }

  /** The transaction is over. One that was rolled back may be followed by another. */
  end(outcome: 'committed' | 'rolled-back'): void {
    this.#inside--
    if (outcome === 'committed') this.#committed = true
  }

  /** Whether a transaction is running. */
  get inside(): boolean {
    return this.#inside > 0
  }
}

/** The scope of the call that a context belongs to. */
export const callScope: Attribute<CallScope> = attribute('call-scope')

/** Refuses calls from within a transaction: the store would be held while the network is waited for. */
export const refuseInTransaction: Middleware = next => (input, ctx: Context) => {
  if (ctx.get(callScope)?.inside !== true) return next(input, ctx)
  return Promise.reject(
    new Fault(
      'internal',
      'A remote call inside ctx.transaction would hold the store while it waits; make the call before or after.',
      {
        reason: 'REMOTE_CALL_IN_TRANSACTION',
      },
    ),
  )
}
