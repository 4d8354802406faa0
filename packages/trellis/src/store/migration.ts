import type { Dialect } from './dialect.ts'

/**
 * One step of a module's schema. Steps run in order, each in its own transaction, once, also when several processes start together. The text of
 * each applied step is kept as a checksum: a changed step is `MIGRATION_CHANGED`, a database with steps that the code does not know is
 * `DATABASE_NEWER`, both `failed_precondition`.
 */
export interface Migration {
  /** Name within the module, such as `001-orders`. */
  readonly name: string
  /** The statements, in the dialect given. Must depend on nothing else. */
  readonly statements: (dialect: Dialect) => readonly string[]
}
