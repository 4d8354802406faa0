/** What the clients of a run asked for and what they saw of it: their side of "every accepted request is in the history". */

/** A thing that a client wanted, however often it had to ask. Its trace id is its mark: what it leads to carries it as the correlation id. */
export interface Wish {
  readonly kind: 'register' | 'order' | 'add-item' | 'check-out' | 'cancel' | 'adjust'
  readonly traceId: string
  /** Who asked; of a registration the address. */
  readonly who: string
  /** The order that it is about; of a new one once it is known. */
  orderId?: string
  /** `accepted`: a 2xx was seen. `refused`: an answer that says no for good. `unanswered`: no answer ever came, so it may have happened or not. */
  outcome: 'accepted' | 'refused' | 'unanswered'
  /** Reason of the refusal. */
  reason?: string
  /** Of an adjustment. */
  readonly delta?: number
  /** How often it was sent. */
  attempts: number
}

/** All wishes of a run. */
export class ClientRecord {
  readonly wishes: Wish[] = []

  /** A new wish, unanswered for now. */
  add(wish: Pick<Wish, 'kind' | 'traceId' | 'who' | 'orderId' | 'delta'>): Wish {
    const whole: Wish = { ...wish, outcome: 'unanswered', attempts: 0 }
    this.wishes.push(whole)
    return whole
  }

  /** How many of a kind ended in some way. */
  count(kind: Wish['kind'], outcome: Wish['outcome']): number {
    return this.wishes.filter(wish => wish.kind === kind && wish.outcome === outcome).length
  }
}
