import type { FaultCode } from '../kernel/fault.ts'
import type { Handler, Middleware, Target } from '../kernel/handler.ts'
import { runToEnd } from './call-end.ts'
import type { Logger, LogLevel } from './telemetry.ts'

/** Faults that are this side's trouble and not the caller's doing: whoever asks for what is not served (`unimplemented`) must not fill the log with errors. */
const OWN_TROUBLE: ReadonlySet<FaultCode> = new Set(['internal', 'unknown', 'data_loss'])
const WORTH_A_WARNING: ReadonlySet<FaultCode> = new Set(['unavailable', 'deadline_exceeded', 'resource_exhausted'])

/**
 * Writes one line for each call, when it has ended: target, operation, `code`, reason, and `durationMs`. A success and a caller's mistake are `info`, overload and
 * what was not reachable `warn` with the words of the fault, and what went wrong in here `error` with its stack and causes.
 */
export function accessLogged(logger: Logger): Middleware {
  return <I, O>(next: Handler<I, O>, target: Target): Handler<I, O> => {
    const log = logger.with({ kind: target.kind, target: target.name, operation: target.operation })
    const message = `${target.name}/${target.operation}`
    const streaming = target.streaming === true
    return (input, ctx) => {
      const clock = ctx.runtime.clock
      const start = clock.monotonic()
      return runToEnd(next, input, ctx, streaming, outcome => {
        const durationMs = Math.round((clock.monotonic() - start) * 1000) / 1000
        if (outcome.ok) return log.log('info', message, { code: 'ok', durationMs }, ctx)
        const { fault } = outcome
        const level = levelOf(fault.code)
        const fields = { code: fault.code, reason: fault.reason, durationMs }
        if (level === 'error') return log.log(level, message, fields, ctx, fault)
        // The stack of what was refused or away tells nothing about this side; its words do.
        log.log(level, message, level === 'warn' ? { ...fields, fault: fault.message } : fields, ctx)
      })
    }
  }
}

function levelOf(code: FaultCode): LogLevel {
  if (OWN_TROUBLE.has(code)) return 'error'
  return WORTH_A_WARNING.has(code) ? 'warn' : 'info'
}
