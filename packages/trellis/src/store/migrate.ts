import { createHash } from 'node:crypto'
import { Fault, isFault } from '../kernel/index.ts'
import type { Migration } from './migration.ts'
import type { Store, Transaction } from './store.ts'

interface Applied {
  readonly name: string
  readonly checksum: string
}

/**
 * Brings the tables of one module up to date, on any engine. What was applied is kept in `trellis_migration`, one row per step. Each step is one
 * transaction together with its row, so that a crash leaves whole steps; a second process that starts meanwhile finds the row and goes on.
 */
export async function migrate(store: Store, module: string, migrations: readonly Migration[]): Promise<void> {
  checkNames(module, migrations)
  await createTable(store)
  const steps = migrations.map(({ name, statements }): Step => {
    const text = statements(store.dialect)
    return { name, text, checksum: createHash('sha256').update(JSON.stringify(text)).digest('hex') }
  })
  const applied = await appliedSteps(store.reader, module)
  checkHistory(module, steps, applied)
  for (let position = applied.length; position < steps.length; position++) {
    try {
      await apply(store, module, steps, position)
    } catch (error) {
      // Another process was faster with the same step, which the engine may report so; if it was not that, the second attempt shows it.
      if (!isFault(error, 'UNIQUE_VIOLATION')) throw error
      await apply(store, module, steps, position)
    }
  }
}

interface Step extends Applied {
  readonly text: readonly string[]
}

async function apply(store: Store, module: string, steps: readonly Step[], position: number): Promise<void> {
  await store.transaction(
    async tx => {
      // Read again: another process may have been faster, and on a conflict the body runs again.
      const present = await appliedSteps(tx, module)
      checkHistory(module, steps, present)
      const step = steps[position]
      if (step === undefined || present.length > position) return
      // The row first: whoever comes second waits for it, and fails on it before its statements can.
      await tx.run(
        'insert into trellis_migration (module, position, name, checksum, applied_at) values (?, ?, ?, ?, ?)',
        module,
        position,
        step.name,
        step.checksum,
        tx.now,
      )
      for (const statement of step.text) await tx.run(statement)
    },
    { maxHoldMs: STEP_MS },
  )
}

/** Longest time that one step may take: an index over a large table. */
const STEP_MS = 600_000

async function createTable(store: Store): Promise<void> {
  const { key, integer } = store.dialect.types
  await store.transaction(async tx => {
    await tx.run(
      `create table if not exists trellis_migration (module ${key} not null, position ${integer} not null, name ${key} not null,
        checksum ${key} not null, applied_at ${integer} not null, primary key (module, position))`,
    )
  })
}

function appliedSteps(sql: Pick<Transaction, 'all'>, module: string): Promise<Applied[]> {
  return sql.all<Applied>('select name, checksum from trellis_migration where module = ? order by position', module)
}

function checkNames(module: string, migrations: readonly Migration[]): void {
  const names = new Set<string>()
  for (const { name } of migrations) {
    if (names.has(name))
      throw new TypeError(`Module ${module} has two migrations named ${name}; give each its own name.`)
    names.add(name)
  }
}

function checkHistory(module: string, steps: readonly Applied[], applied: readonly Applied[]): void {
  for (const [position, done] of applied.entries()) {
    const step = steps[position]
    if (step === undefined || !steps.some(known => known.name === done.name))
      throw new Fault(
        'failed_precondition',
        `The database has step ${done.name} of ${module}, which this program does not know: it is older than the database. Start the newer program.`,
        { reason: 'DATABASE_NEWER' },
      )
    if (step.name !== done.name || step.checksum !== done.checksum)
      throw new Fault(
        'failed_precondition',
        `Step ${done.name} of ${module} was changed after it was applied, or its place was. Restore it, and put the change into a new step at the end.`,
        { reason: 'MIGRATION_CHANGED' },
      )
  }
}
