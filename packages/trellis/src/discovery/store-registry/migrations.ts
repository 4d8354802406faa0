import type { Migration } from '../../store/migration.ts'

/** Tables of the store-backed registry. */
export const registryMigrations: readonly Migration[] = [
  {
    name: '001-instances',
    statements: ({ types }) => [
      `create table trellis_instances (
        id ${types.key} not null primary key,
        service ${types.key} not null,
        host ${types.text} not null,
        port ${types.integer} not null,
        metadata ${types.text} not null,
        state ${types.key} not null,
        renewed_at ${types.integer} not null
      )`,
      `create table trellis_registry (
        id ${types.integer} not null primary key,
        checked_at ${types.integer} not null,
        steady_since ${types.integer} not null
      )`,
      `insert into trellis_registry (id, checked_at, steady_since) values (1, 0, 0)`,
    ],
  },
]
