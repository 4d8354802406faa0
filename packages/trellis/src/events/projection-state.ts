/** Which slot of a projection is shown, built by which version of its code, and how far a slot has come. */
import { Fault } from '../kernel/fault.ts'
import type { Sql, Transaction } from '../store/store.ts'
import type { Projection } from './projection.ts'
import type { Slot } from './slot.ts'

/** The shown slot of a projection and the version of the code that built it. */
export interface ProjectionState {
  readonly slot: Slot
  readonly version: number
}

const STATE = 'select version, slot from trellis_projections where name = ?'
const PROGRESS = 'select position, builder from trellis_projection_progress where name = ? and slot = ?'
const SET_POSITION = 'update trellis_projection_progress set position = ? where name = ? and slot = ?'

/** State of a projection; undefined before it was first prepared. */
export function projectionState(sql: Sql, name: string): Promise<ProjectionState | undefined> {
  return sql.get<{ slot: Slot; version: number }>(STATE, name)
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

/** Position up to which a slot holds all events, and who builds it. */
export interface Progress {
  readonly position: number
  readonly builder: string | null
}

/** Progress of a slot. */
export function progressOf(sql: Sql, name: string, slot: Slot, lock = ''): Promise<Progress | undefined> {
  return sql.get<{ position: number; builder: string | null }>(`${PROGRESS} ${lock}`, name, slot)
}

/** Notes that a slot has come up to a position. */
export async function setPosition(tx: Transaction, name: string, slot: Slot, position: number): Promise<void> {
  await tx.run(SET_POSITION, position, name, slot)
}

/** Starts a slot at position 0, for a builder or (null) for the runner. */
export async function startProgress(tx: Transaction, name: string, slot: Slot, builder: string | null): Promise<void> {
  const columns = ['name', 'slot', 'position', 'builder']
  await tx.run(tx.dialect.upsert('trellis_projection_progress', ['name', 'slot'], columns), name, slot, 0, builder)
}

/** Shows a slot: from now on it is the projection. */
export async function setState(tx: Transaction, projection: Projection, slot: Slot): Promise<void> {
  const text = tx.dialect.upsert('trellis_projections', ['name'], ['name', 'version', 'slot'])
  await tx.run(text, projection.name, projection.version, slot)
  await tx.run(
    'update trellis_projection_progress set builder = null where name = ? and slot = ?',
    projection.name,
    slot,
  )
}
