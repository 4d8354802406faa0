/**
 * Which slot of a projection is shown, how far the runner of an asynchronous one has come, and what is being rebuilt: three tables, since on
 * PostgreSQL transactions that read and write neighbouring rows of one small table keep running each other again.
 */
import { Fault } from '../kernel/fault.ts'
import type { Sql, Transaction } from '../store/store.ts'
import type { Projection } from './projection.ts'
import type { Slot } from './slot.ts'

/** The shown slot of a projection and the version of the code that built it. */
export interface ProjectionState {
  readonly slot: Slot
  readonly version: number
  /** Until when (time of the store) appends hold back, so that a rebuild can move the views; 0: they need not. */
  readonly switchingUntil: number
}

const STATE = 'select version, slot, switching_until as "switchingUntil" from trellis_projections where name = ?'
const CHECKPOINT = 'select position from trellis_checkpoints where name = ?'
const REBUILD = 'select slot, position, builder from trellis_rebuilds where name = ?'

/** State of a projection; undefined before it was first prepared. `lock` is appended to the query. */
export function projectionState(sql: Sql, name: string, lock = ''): Promise<ProjectionState | undefined> {
  return sql.get(`${STATE} ${lock}`, name) as Promise<ProjectionState | undefined>
}

/**
 * The state of a projection for writing into its shown slot. `failed_precondition` / `PROJECTION_VERSION` when other code built that slot: this
 * process would write rows in the wrong form.
 */
export async function writableState(sql: Sql, projection: Projection): Promise<ProjectionState> {
  const state = await projectionState(sql, projection.name)
  if (state?.version === projection.version) return state
  const found = state === undefined ? 'has not been prepared' : `stands at version ${state.version}`
  throw new Fault(
    'failed_precondition',
    `The projection ${projection.name} ${found}, and this process has version ${projection.version}; start the service anew with its latest code.`,
    { reason: 'PROJECTION_VERSION' },
  )
}

/** Shows a slot, built from all events up to a position: from now on it is the projection. */
export async function setState(
  tx: Transaction,
  { name, version }: Pick<Projection, 'name' | 'version'>,
  shown: { readonly slot: Slot; readonly position: number },
): Promise<void> {
  const state = tx.dialect.upsert('trellis_projections', ['name'], ['name', 'version', 'slot', 'switching_until'])
  await tx.run(state, name, version, shown.slot, 0)
  await tx.run(tx.dialect.upsert('trellis_checkpoints', ['name'], ['name', 'position']), name, shown.position)
  await tx.run('delete from trellis_rebuilds where name = ?', name)
}

/** Asks appends to hold back for a moment. */
export async function announceSwitch(tx: Transaction, name: string, untilMs: number): Promise<void> {
  await tx.run('update trellis_projections set switching_until = ? where name = ?', untilMs, name)
}

/** Position up to which the shown slot of an asynchronous projection holds all events. `lock` is appended to the query. */
export async function checkpointOf(sql: Sql, name: string, lock = ''): Promise<number | undefined> {
  return (await sql.get<{ position: number }>(`${CHECKPOINT} ${lock}`, name))?.position
}

/** Moves the checkpoint. */
export async function setCheckpoint(tx: Transaction, name: string, position: number): Promise<void> {
  await tx.run('update trellis_checkpoints set position = ? where name = ?', position, name)
}

/** A rebuild under way. */
export interface Rebuild {
  readonly slot: Slot
  readonly position: number
  readonly builder: string
}

/** The rebuild of a projection that is under way. `lock` is appended to the query. */
export function rebuildOf(sql: Sql, name: string, lock = ''): Promise<Rebuild | undefined> {
  return sql.get(`${REBUILD} ${lock}`, name) as Promise<Rebuild | undefined>
}

/** Begins a rebuild, in the place of one that may be under way. */
export async function beginRebuild(tx: Transaction, name: string, slot: Slot, builder: string): Promise<void> {
  const text = tx.dialect.upsert('trellis_rebuilds', ['name'], ['name', 'slot', 'position', 'builder'])
  await tx.run(text, name, slot, 0, builder)
}

/** Notes how far a rebuild has come. */
export async function setRebuilt(tx: Transaction, name: string, position: number): Promise<void> {
  await tx.run('update trellis_rebuilds set position = ? where name = ?', position, name)
}
