import type { Context } from '../kernel/context.ts'
import type { Exchange, ExchangeHandler } from '../wire/exchange.ts'

/** Where the requests of one service go. */
export interface Upstream {
  /**
   * Passes a request on, whose target and headers are already those that the service shall see. Answers the exchange once, or throws a `Fault` before it has
   * begun to. `ctx` is cancelled when the caller goes or the deadline passes; `repeatable`: doing it
   * twice does no harm.
   */
  forward(exchange: Exchange, ctx: Context, repeatable: boolean): void | Promise<void>
  /** Resolves when somebody is there to ask; rejects with the `Fault` that says who is missing. */
  check(): Promise<void>
}

/** A service in this process: its handler gets the exchange itself, without a socket and without encoding anything again. */
export function localUpstream(handler: ExchangeHandler): Upstream {
  return { forward: exchange => handler(exchange), check: () => Promise.resolve() }
}
