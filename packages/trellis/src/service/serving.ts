/** What stands between the wire and the handlers of a service. */
import type { IdempotencyKeys } from '../resilience/index.ts'
import type { RpcServer } from '../rpc/index.ts'
import { createRpcServer } from '../rpc/index.ts'
import type { Fields, Logger, LogLevel } from '../telemetry/index.ts'
import { accessLogged, measured, traced } from '../telemetry/index.ts'
import { CallScope, callScope } from './call-scope.ts'
import type { Platform } from './platform.ts'
import type { Service } from './service.ts'
import type { ServiceMeans } from './service-call.ts'
import { ServiceCall } from './service-call.ts'

/** Composes the methods that a service offers. */
export function serveContracts(
  service: Service,
  parts: {
    readonly platform: Platform
    readonly means: ServiceMeans
    readonly keys: IdempotencyKeys
    readonly log: Logger
  },
): RpcServer {
  const { platform, means, keys, log } = parts
  return createRpcServer({
    implementations: service.provides,
    authorize: platform.authorize,
    context: ctx => {
      ctx.set(callScope, new CallScope())
      return new ServiceCall(ctx, means)
    },
    middleware: [traced(platform.spans), measured(platform.metrics), accessLogged(onlyTrouble(log))],
    idempotency: keys,
  })
}

const QUIET: ReadonlySet<LogLevel> = new Set(['debug', 'info'])

/** The gateway writes a line for each request; a service adds one only where it has something to say about it. */
function onlyTrouble(log: Logger): Logger {
  return {
    log: (level, message, fields, ctx, error) => {
      if (!QUIET.has(level)) log.log(level, message, fields, ctx, error)
    },
    with: (fields: Fields) => onlyTrouble(log.with(fields)),
  }
}
