/** What stands between the broker and the message handlers of a service. */
import type { Fault } from '../kernel/index.ts'
import { chain } from '../kernel/index.ts'
import type { Consumer, ConsumerFailure } from '../messaging/index.ts'
import { consume, createConsumer, handledMessage } from '../messaging/index.ts'
import { throughService } from '../security/index.ts'
import type { Store } from '../store/index.ts'
import type { Logger } from '../telemetry/index.ts'
import { measured, traced } from '../telemetry/index.ts'
import { CallScope, callScope } from './call-scope.ts'
import type { Platform } from './platform.ts'
import type { Consumption, Service } from './service.ts'
import type { ServiceMeans } from './service-call.ts'
import { ConsumerCall } from './service-call.ts'

/** What consuming needs. */
export interface ConsumingParts {
  readonly platform: Platform
  readonly means: ServiceMeans
  readonly store: Store
  readonly log: Logger
}

/** The handlers of a service as the consumer takes them. */
export function handlersOf(service: Service, means: ServiceMeans): ReturnType<typeof consume>[] {
  return service.consumes.map(consumption =>
    consume(consumption.type, handlerOf(consumption, means), groupOf(consumption)),
  )
}

/** Starts to handle what a service consumes. */
export function startConsuming(service: Service, parts: ConsumingParts): Promise<Consumer> {
  const { platform, means, store, log } = parts
  return createConsumer(platform.runtime, {
    service: service.name,
    store,
    broker: platform.broker,
    handlers: handlersOf(service, means),
    middleware: chain(traced(platform.spans), measured(platform.metrics)),
    identify: () => throughService(undefined, service.name),
    onFailure: failure => logFailure(log, failure),
    onFault: fault => logFault(log, fault),
  })
}

/** A failure that is being retried and concerns no single message or call. */
export function logFault(log: Logger, fault: Fault): void {
  log.log('warn', fault.message, { code: fault.code, reason: fault.reason })
}

function groupOf({ group }: Consumption): { readonly group?: string } {
  return group === undefined ? {} : { group }
}

function handlerOf({ handler }: Consumption, means: ServiceMeans): Parameters<typeof consume>[1] {
  return (data, ctx) => {
    const handled = ctx.get(handledMessage)
    if (handled === undefined) throw new TypeError('A message handler was called without a message.')
    const { id, topic, key, time, attributes } = handled.message
    ctx.set(callScope, new CallScope())
    const correlationId = attributes.correlationid ?? ctx.trace.traceId
    return handler(
      data,
      new ConsumerCall(ctx, means, { id, topic, key, time, attempt: handled.attempt, correlationId }),
    )
  }
}

function logFailure(log: Logger, { message, group, attempt, fault, decision }: ConsumerFailure): void {
  const level = decision === 'dead-letter' ? 'error' : 'warn'
  const fields = {
    topic: message.topic,
    id: message.id,
    group,
    attempt,
    decision,
    code: fault.code,
    reason: fault.reason,
  }
  log.log(
    level,
    `handling ${message.topic} failed: ${fault.message}`,
    fields,
    undefined,
    decision === 'dead-letter' ? fault : undefined,
  )
}
