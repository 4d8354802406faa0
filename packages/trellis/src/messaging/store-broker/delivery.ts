import { Fault } from '../../kernel/index.ts'
import type { Delivery, Message } from '../messaging.ts'
import { type Entry, leaseLost } from './lane.ts'

/** What the end of a delivery sets in motion. */
export interface DeliveryEnds {
  ack(entry: Entry): Promise<void>
  nack(entry: Entry, delayMs: number, cause: Fault): Promise<void>
  deadLetter(entry: Entry, message: Message, cause: Fault): Promise<void>
  /** It ended after its lane was lost. */
  abandoned(entry: Entry): void
}

/** One handing over of an entry. Ends once; a second end is `failed_precondition` / `DELIVERY_ENDED`. */
export class StoreDelivery implements Delivery {
  readonly message: Message
  readonly attempt: number
  readonly deaths: number
  readonly #ends: DeliveryEnds
  readonly #entry: Entry
  #ended = false

  constructor(ends: DeliveryEnds, entry: Entry, message: Message, attempt: number) {
    this.#ends = ends
    this.#entry = entry
    this.message = message
    this.attempt = attempt
    this.deaths = entry.deaths
  }

  get signal(): AbortSignal {
    return this.#entry.lane.controller.signal
  }

  ack(): Promise<void> {
    const refusal = this.#end()
    if (refusal !== undefined) return Promise.reject(refusal)
    return this.#ends.ack(this.#entry)
  }

  nack(options: { readonly delayMs: number; readonly cause: Fault }): Promise<void> {
    if (!(options.delayMs >= 0 && Number.isFinite(options.delayMs)))
      return Promise.reject(new RangeError(`delayMs is ${options.delayMs}; it must be a number of at least 0.`))
    const refusal = this.#end()
    if (refusal !== undefined) return Promise.reject(refusal)
    return this.#ends.nack(this.#entry, options.delayMs, options.cause)
  }

  deadLetter(cause: Fault): Promise<void> {
    const refusal = this.#end()
    if (refusal !== undefined) return Promise.reject(refusal)
    return this.#ends.deadLetter(this.#entry, this.message, cause)
  }

  #end(): Fault | undefined {
    if (this.#ended)
      return new Fault('failed_precondition', 'The delivery has ended; ack, nack or deadLetter it once.', {
        reason: 'DELIVERY_ENDED',
      })
    this.#ended = true
    if (this.#entry.lane.state !== 'lost') return undefined
    this.#ends.abandoned(this.#entry)
    return leaseLost()
  }
}
