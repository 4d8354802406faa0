import type { Publishable } from '../contract/event.ts'
import { type Context, causeOf, formatBaggage } from '../kernel/index.ts'
import { stringifyJson, type Validator, validator } from '../schema/index.ts'
import type { Message } from './messaging.ts'

/** How a message leaves. */
export interface EnvelopeOptions {
  /** Messages with one key are handled in the order of their publishing. Default: no order. */
  readonly key?: string
  /** Not before this time, milliseconds since 1970. */
  readonly deliverAt?: number
}

/** Puts data into messages, for one service. */
export interface Envelopes {
  /**
   * A message with a new id and the cause of what `ctx` does: `correlationid`, `causationid`, `actor`, `traceparent`, `tracestate` and `baggage`. Data that
   * does not fit its schema is `internal` / `INVALID_OUTPUT`: the publisher's mistake, kept away from its consumers.
   */
  wrap<T>(ctx: Context, type: Publishable<T>, data: T, options?: EnvelopeOptions): Message
}

/** Makes the envelopes of one service; `source` is its name, CloudEvents `source`. */
export function createEnvelopes(source: string): Envelopes {
  const validators = new Map<Publishable<never>, Validator<unknown>>()
  return {
    wrap(ctx, type, data, options) {
      let check = validators.get(type as Publishable<never>)
      if (check === undefined) {
        check = validator<unknown>(type.data, { side: 'output' })
        validators.set(type as Publishable<never>, check)
      }
      const { clock, random } = ctx.runtime
      const cause = causeOf(ctx)
      const attributes: Record<string, string> = {
        correlationid: cause.correlationId,
        causationid: cause.causationId,
        actor: cause.actor,
        traceparent: cause.traceparent,
      }
      if (ctx.trace.state !== undefined) attributes.tracestate = ctx.trace.state
      const baggage = formatBaggage(ctx.baggage)
      if (baggage !== undefined) attributes.baggage = baggage
      const message: Message = {
        id: random.id(),
        topic: type.name,
        source,
        time: clock.now(),
        key: options?.key,
        data: stringifyJson(check(data)),
        attributes,
      }
      return options?.deliverAt === undefined ? message : { ...message, deliverAt: options.deliverAt }
    },
  }
}
