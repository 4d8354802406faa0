export type { Allow } from './allow.ts'
export type { Cause } from './cause.ts'
export { causeOf, origin } from './cause.ts'
export type { CancelTimer, Clock, Timers } from './clock.ts'
export type { Attribute, Context, ContextOptions, Outcome } from './context.ts'
export { attribute, CallContext, deadlineExceeded, remainingMs, throwIfCancelled, untilCancelled } from './context.ts'
export type { Deadline } from './deadline.ts'
export { Deadlines } from './deadline.ts'
export type { FaultCode, FaultInit } from './fault.ts'
export { FAULT_CODES, Fault, isFault, isFaultCode, markRetried } from './fault.ts'
export type { Handler, Middleware, Target, TargetKind } from './handler.ts'
export { chain } from './handler.ts'
export type { Identity } from './identity.ts'
export type { Part } from './lifecycle.ts'
export { Lifecycle } from './lifecycle.ts'
export type {
  Address,
  File,
  FileSystem,
  Listener,
  Net,
  Random,
  Runtime,
} from './runtime.ts'
export { sleep } from './runtime.ts'
export type { RuntimeOptions } from './runtime-node.ts'
export { createRuntime, uuidV7 } from './runtime-node.ts'
export type { Baggage, TraceContext } from './trace.ts'
export { childSpan, formatBaggage, formatTraceparent, newTrace, parseBaggage, parseTraceparent } from './trace.ts'
