export type { Aggregate, AggregateOptions } from './aggregate.ts'
export { aggregate } from './aggregate.ts'
export type { AggregateHandle, ChangeOptions, Executed, Loaded } from './aggregate-handle.ts'
export type { EventStoreOptions, ProjectionStatus, SubscribeOptions } from './event-store.ts'
export { EventStore, openEventStore } from './event-store.ts'
export type {
  AnyEvent,
  EventFamily,
  EventMetadata,
  EventOf,
  EventSchemas,
  PositionedEvent,
  RecordedEvent,
  Upcaster,
} from './events.ts'
export { eventMigrations } from './migrations.ts'
export type { Projection, ProjectionOptions, TableStatements } from './projection.ts'
export { projection } from './projection.ts'
export { type RetryConflictsOptions, retryConflicts } from './retry-conflicts.ts'
export { readEvents, versionOf } from './stream.ts'
