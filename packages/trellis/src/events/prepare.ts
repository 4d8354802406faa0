import { isFault } from '../kernel/fault.ts'
import { type Runtime, sleep } from '../kernel/runtime.ts'
import type { Store, Transaction } from '../store/store.ts'
import type { Projection } from './projection.ts'
import { projectionState, rebuildOf, setState, writableState } from './projection-state.ts'
import { rebuildProjection } from './rebuild.ts'
import { createSlot, showSlot } from './slot.ts'

const ANY_EVENT = 'select 1 as found from trellis_events where aggregate = ? limit 1'
/** Version of a slot that was made but not filled. */
const UNBUILT = 0
/** How often a starting process looks whether another one still builds the projection, milliseconds. */
const LOOK_MS = 500

/**
 * Makes a projection ready for use: makes its tables at the first start, and builds it anew when there are events already or when its version was raised.
 * Several processes that start together share one build.
 */
export async function prepareProjection(runtime: Runtime, store: Store, projection: Projection): Promise<void> {
  while (await store.transaction(tx => needsBuild(tx, projection), { maxHoldMs: 5_000 })) {
    if (await builtElsewhere(runtime, store, projection.name)) continue
    try {
      await rebuildProjection(runtime, store, projection)
    } catch (error) {
      if (!isFault(error, 'REBUILD_SUPERSEDED')) throw error
    }
  }
}

async function needsBuild(tx: Transaction, projection: Projection): Promise<boolean> {
  const state = await projectionState(tx, projection.name, tx.dialect.forUpdate)
  if (state !== undefined) {
    if (state.version > projection.version) await writableState(tx, projection)
    return state.version < projection.version
  }
  await createSlot(tx, projection, 1)
  await showSlot(tx, projection, 1)
  let events = false
  for (const { name } of projection.from) events ||= (await tx.get(ANY_EVENT, name)) !== undefined
  // Where there are events the empty slot counts as unbuilt, so that a crash before the build leads to another.
  const version = events ? UNBUILT : projection.version
  await setState(tx, { name: projection.name, version }, { slot: 1, position: 0 })
  return events
}

/** Whether another process is at work on it: looks twice for progress. */
async function builtElsewhere(runtime: Runtime, store: Store, name: string): Promise<boolean> {
  const before = await rebuildOf(store.reader, name)
  if (before === undefined) return false
  await sleep(runtime, LOOK_MS)
  const after = await rebuildOf(store.reader, name)
  return after?.builder !== before.builder || after.position !== before.position
}
