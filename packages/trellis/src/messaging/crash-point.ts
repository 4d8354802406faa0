/**
 * The places between every two durable steps of messaging. Tests stop a process exactly there and show that nothing is lost and no effect is doubled.
 * `-in-transaction` points lie after the writes and before their commit.
 */
export const CRASH_POINTS = [
  'outbox.added-in-transaction',
  'relay.claimed',
  'relay.published',
  'relay.set-aside-in-transaction',
  'relay.removed-in-transaction',
  'relay.removed',
  'broker.publish-in-transaction',
  'broker.published',
  'broker.lease-in-transaction',
  'broker.leased',
  'broker.fetched',
  'broker.settle-in-transaction',
  'broker.settled',
  'broker.retry-due',
  'broker.delayed-in-transaction',
  'broker.delayed-moved',
  'broker.trim-in-transaction',
  'broker.redrive-in-transaction',
  'consumer.received',
  'consumer.marked-in-transaction',
  'consumer.handled',
  'consumer.acked',
  'timers.scheduled-in-transaction',
  'timers.moved-in-transaction',
  'timers.moved',
] as const

/** One of the places. */
export type CrashPoint = (typeof CRASH_POINTS)[number]

/** Called at each place with its name. Only tests give one; without it a place costs a check for undefined. */
export type CrashHook = (point: CrashPoint) => void
