/**
 * Building a projection anew beside the one that is shown. Batches fill the other slot, each a short transaction between those of the service; the
 * last batch finds no event behind it and, in the same transaction, moves the views. An append that runs at that moment either was ordered before it, or
 * reads the new slot: serializable transactions leave no third way.
 */
import { Fault, isFault } from '../kernel/fault.ts'
import { type Runtime, sleep } from '../kernel/runtime.ts'
import type { Store, Transaction } from '../store/store.ts'
import { applyBatch } from './apply.ts'
import type { AnyEvent } from './events.ts'
import { type OrderedBatch, orderEvents, orderedReader } from './order.ts'
import type { Projection } from './projection.ts'
import { progressOf, projectionState, setPosition, setState, startProgress, writableState } from './projection-state.ts'
import { createSlot, dropSlot, otherSlot, type Slot, showSlot } from './slot.ts'

/** Events of one transaction at most; the time that they take bounds it too. */
const BATCH = 500
/** How often a starting process looks whether another one still builds the projection, milliseconds. */
const LOOK_MS = 500

/** Builds a projection anew from all events and shows the result. A rebuild of the same projection that runs elsewhere ends with `aborted` / `REBUILD_SUPERSEDED`. */
export async function rebuildProjection(runtime: Runtime, store: Store, projection: Projection): Promise<void> {
  const builder = runtime.random.id()
  const read = orderedReader(projection.from)
  const slot = await store.transaction(async tx => {
    const state = await projectionState(tx, projection.name)
    const building = otherSlot(state?.slot ?? 2)
    await createSlot(tx, projection, building)
    await startProgress(tx, projection.name, building, builder)
    return building
  })
  const step = (tx: Transaction): Promise<boolean> => buildStep(runtime, tx, { projection, slot, builder, read })
  while (!(await store.transaction(step))) {
    // Every step is a transaction of its own, so that other writers get their turn.
  }
  await store.transaction(async tx => {
    // Another rebuild may have begun to fill the old slot.
    const old = await progressOf(tx, projection.name, otherSlot(slot))
    const state = await projectionState(tx, projection.name)
    if (state?.slot === slot && (old === undefined || old.builder === null))
      await dropSlot(tx, projection, otherSlot(slot))
  })
}

interface Build {
  readonly projection: Projection
  readonly slot: Slot
  readonly builder: string
  readonly read: (tx: Transaction, after: number, head: number, limit: number) => Promise<OrderedBatch<AnyEvent>>
}

/** Fills the slot with the next events; true once it holds them all and is shown. */
async function buildStep(
  runtime: Runtime,
  tx: Transaction,
  { projection, slot, builder, read }: Build,
): Promise<boolean> {
  const progress = await progressOf(tx, projection.name, slot, tx.dialect.forUpdate)
  if (progress?.builder !== builder) throw superseded(projection)
  const { head, complete } = await orderEvents(tx)
  const batch = await read(tx, progress.position, head, BATCH)
  const position = await applyBatch(runtime, tx, { projection, slot }, batch)
  await setPosition(tx, projection.name, slot, position)
  if (!complete || position < head) return false
  await showSlot(tx, projection, slot)
  await setState(tx, projection, slot)
  return true
}

function superseded(projection: Projection): Fault {
  return new Fault('aborted', `Another rebuild of ${projection.name} has taken over; wait for that one.`, {
    reason: 'REBUILD_SUPERSEDED',
  })
}

const ANY_EVENT = 'select 1 as found from trellis_events where aggregate = ? limit 1'
const UNBUILT = 0

/**
 * Makes a projection ready for use: makes its tables at the first start, and builds it anew when there are events already or when its version was raised.
 * Several processes that start together share one build.
 */
export async function prepareProjection(runtime: Runtime, store: Store, projection: Projection): Promise<void> {
  while (await store.transaction(tx => needsBuild(tx, projection))) {
    if (await builtElsewhere(runtime, store, projection)) continue
    try {
      await rebuildProjection(runtime, store, projection)
    } catch (error) {
      if (!isFault(error, 'REBUILD_SUPERSEDED')) throw error
    }
  }
}

async function needsBuild(tx: Transaction, projection: Projection): Promise<boolean> {
  const state = await projectionState(tx, projection.name)
  if (state !== undefined) {
    if (state.version > projection.version) await writableState(tx, projection)
    return state.version < projection.version
  }
  await createSlot(tx, projection, 1)
  await showSlot(tx, projection, 1)
  await startProgress(tx, projection.name, 1, null)
  let events = false
  for (const { name } of projection.from) events ||= (await tx.get(ANY_EVENT, name)) !== undefined
  // Where there are events the empty slot counts as unbuilt, so that a crash before the build leads to another.
  await setState(tx, events ? { ...projection, version: UNBUILT } : projection, 1)
  return events
}

/** Whether another process is at work on it: looks twice for progress. */
async function builtElsewhere(runtime: Runtime, store: Store, projection: Projection): Promise<boolean> {
  const state = await projectionState(store.reader, projection.name)
  if (state === undefined || state.version === projection.version) return true
  const building = otherSlot(state.slot)
  const before = await progressOf(store.reader, projection.name, building)
  if (before === undefined || before.builder === null) return false
  await sleep(runtime, LOOK_MS)
  const after = await progressOf(store.reader, projection.name, building)
  return after?.builder !== before.builder || after?.position !== before.position
}
