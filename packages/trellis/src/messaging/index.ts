export type { Consumer, ConsumerFailure, ConsumerOptions, Consumption, HandledMessage } from './consumer.ts'
export { consume, createConsumer, declarationOf, handledMessage } from './consumer.ts'
export type { CrashHook, CrashPoint } from './crash-point.ts'
export { CRASH_POINTS } from './crash-point.ts'
export type { EnvelopeOptions, Envelopes } from './envelope.ts'
export { createEnvelopes } from './envelope.ts'
export type { Inbox, InboxMark } from './inbox.ts'
export { createInbox, inboxMark, inboxMigrations } from './inbox.ts'
export type {
  Attempt,
  Broker,
  BrokerAdmin,
  BrokerCapabilities,
  DeadLetter,
  Delivery,
  Lag,
  Message,
  SubscribeOptions,
  Subscription,
  TopicDeclaration,
} from './messaging.ts'
export type { Outbox, OutboxOptions } from './outbox.ts'
export { createOutbox, outboxMigrations } from './outbox.ts'
export type { OutboxLag, Relay, RelayOptions, SetAside } from './relay.ts'
export { createRelay } from './relay.ts'
export type { BackoffOptions, RetryDecision, RetryPolicy } from './retry.ts'
export { backoff } from './retry.ts'
export type { TimerOptions, Timers, TimersOptions } from './timers.ts'
export { createTimers, timerMigrations } from './timers.ts'
