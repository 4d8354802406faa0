import type { Migration } from '../store/migration.ts'

/** Tables of the event store and of projections' progress. Apply with `store.migrate('events', eventMigrations)`. */
export const eventMigrations: readonly Migration[] = [
  {
    name: '001-events',
    statements: ({ types }) => [
      `create table trellis_events (
        aggregate ${types.key} not null,
        aggregate_id ${types.key} not null,
        version ${types.integer} not null,
        event_id ${types.key} not null,
        type ${types.key} not null,
        schema_version ${types.integer} not null,
        recorded_at ${types.integer} not null,
        correlation_id ${types.text} not null,
        causation_id ${types.text} not null,
        actor ${types.text} not null,
        traceparent ${types.text},
        data ${types.text} not null,
        primary key (aggregate, aggregate_id, version)
      )`,
      `create table trellis_events_unordered (
        id ${types.serial},
        aggregate ${types.key} not null,
        aggregate_id ${types.key} not null,
        version ${types.integer} not null
      )`,
      `create table trellis_events_order (
        position ${types.integer} not null primary key,
        aggregate ${types.key} not null,
        aggregate_id ${types.key} not null,
        version ${types.integer} not null
      )`,
    ],
  },
  {
    name: '002-projections',
    statements: ({ types }) => [
      `create table trellis_projections (
        name ${types.key} not null primary key,
        version ${types.integer} not null,
        slot ${types.integer} not null,
        switching_until ${types.integer} not null
      )`,
      `create table trellis_checkpoints (
        name ${types.key} not null primary key,
        position ${types.integer} not null
      )`,
      `create table trellis_rebuilds (
        name ${types.key} not null primary key,
        slot ${types.integer} not null,
        position ${types.integer} not null,
        builder ${types.key} not null
      )`,
    ],
  },
]
