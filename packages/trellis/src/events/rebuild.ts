/**
 * Building a projection anew beside the one that is shown. Batches fill the other slot, each a short transaction between those of the service. What
 * they read is committed and never changes, so they read it outside of their transaction: it conflicts with nobody's appends.
 *
 * The last step moves the views. For an inline projection it looks for events once more, now inside its transaction: an append that runs beside it has read
 * the old slot and writes an event which the step has missed, which serializable transactions do not let both commit. Where writers run side by side, the
 * appends would win that race for as long as there are any, since they are shorter; so they are asked to hold back for a moment.
 */
import { Fault, isFault } from '../kernel/fault.ts'
import { type Runtime, sleep } from '../kernel/runtime.ts'
import type { Sql, Store, Transaction } from '../store/store.ts'
import { applyBatch } from './apply.ts'
import { type OrderedBatch, orderEvents, orderEventsIn, orderedReader } from './order.ts'
import type { Projection } from './projection.ts'
import {
  announceSwitch,
  beginRebuild,
  checkpointOf,
  projectionState,
  type Rebuild,
  rebuildOf,
  setRebuilt,
  setState,
} from './projection-state.ts'
import { createSlot, dropSlot, otherSlot, type Slot, showSlot } from './slot.ts'

/** Events of one transaction at most; the time that they take bounds it too. */
const BATCH = 500
/** Events that the last step may still apply: where others write all the time there are always some. */
const REST = 100
/** Longest time for a transaction of a rebuild, milliseconds: on a server it may wait until nobody uses a table, or for another rebuild. Its own work is short. */
const LAYOUT_MS = 5_000
/** How long appends hold back at most for one attempt to move the views, milliseconds. */
const SWITCH_MS = 1_000
/** How long the old slot stays where writers run side by side, milliseconds: a transaction that began before the switch may still write to it. */
const LINGER_MS = 1_500

/** A rebuild in hand. */
interface Build {
  readonly projection: Projection
  readonly slot: Slot
  readonly builder: string
  readonly read: (sql: Sql, after: number, head: number, limit: number) => Promise<OrderedBatch>
}

/** Builds a projection anew from all events and shows the result. A rebuild of the same projection that runs elsewhere ends with `aborted` / `REBUILD_SUPERSEDED`. */
export async function rebuildProjection(runtime: Runtime, store: Store, projection: Projection): Promise<void> {
  const { name } = projection
  const builder = runtime.random.id()
  const begin = async (tx: Transaction): Promise<Slot> => {
    // The row of the rebuild is locked first, here as in every step, or two rebuilds wait for each other.
    await rebuildOf(tx, name, tx.dialect.forUpdate)
    const free = otherSlot((await projectionState(tx, name, tx.dialect.forUpdate))?.slot ?? 2)
    await beginRebuild(tx, name, free, builder)
    await createSlot(tx, projection, free)
    return free
  }
  const slot = await store.transaction(begin, { maxHoldMs: LAYOUT_MS })
  const build: Build = { projection, slot, builder, read: orderedReader(projection.from) }
  for (let position = 0; ; ) {
    const head = await orderEvents(store)
    if (head - position > REST) {
      const batch = await build.read(store.reader, position, head, BATCH)
      position = await store.transaction(tx => fill(runtime, tx, build, batch), { maxHoldMs: LAYOUT_MS })
    } else {
      const end = await finish(runtime, store, build)
      if (end.shown) break
      position = end.position
    }
  }
  if (writersRunSideBySide(store)) await sleep(runtime, LINGER_MS)
  await store.transaction(tx => cleanUp(tx, projection, slot), { maxHoldMs: LAYOUT_MS })
}

/** Fills the slot with the next events; the position reached. */
async function fill(runtime: Runtime, tx: Transaction, build: Build, batch: OrderedBatch): Promise<number> {
  await ownRebuild(tx, build)
  const position = await applyBatch(runtime, tx, build, batch)
  await setRebuilt(tx, build.projection.name, position)
  return position
}

interface End {
  readonly shown: boolean
  readonly position: number
}

/** Shows the slot, unless there is more to fill it with. */
async function finish(runtime: Runtime, store: Store, build: Build): Promise<End> {
  const { name, mode } = build.projection
  if (mode === 'inline' && writersRunSideBySide(store)) {
    await store.transaction(tx => announceSwitch(tx, name, tx.now + SWITCH_MS))
  }
  const body = async (tx: Transaction): Promise<End> => {
    const { position } = await ownRebuild(tx, build)
    const end =
      mode === 'inline'
        ? await fillRest(runtime, tx, build, position)
        : await overtakeRunner(runtime, store, tx, build, position)
    if (!end.shown) {
      await setRebuilt(tx, name, end.position)
      return end
    }
    await showSlot(tx, build.projection, build.slot)
    await setState(tx, build.projection, { slot: build.slot, position: end.position })
    return end
  }
  try {
    return await store.transaction(body, { maxHoldMs: LAYOUT_MS })
  } catch (error) {
    // Somebody else gave the same events their positions: another look finds them done.
    if (!isFault(error, 'UNIQUE_VIOLATION')) throw error
    return { shown: false, position: (await rebuildOf(store.reader, name))?.position ?? 0 }
  }
}

/** An inline projection must hold every event that is committed before the views move. */
async function fillRest(runtime: Runtime, tx: Transaction, build: Build, after: number): Promise<End> {
  const { head, complete } = await orderEventsIn(tx)
  const position = await applyBatch(runtime, tx, build, await build.read(tx, after, head, BATCH))
  return { shown: complete && position >= head, position }
}

/** An asynchronous projection must not fall behind what its runner has done to the shown slot. The checkpoint's row holds the runner meanwhile. */
async function overtakeRunner(
  runtime: Runtime,
  store: Store,
  tx: Transaction,
  build: Build,
  after: number,
): Promise<End> {
  const checkpoint = (await checkpointOf(tx, build.projection.name, tx.dialect.forUpdate)) ?? 0
  if (after >= checkpoint) return { shown: true, position: after }
  const batch = await build.read(store.reader, after, checkpoint, BATCH)
  const position = await applyBatch(runtime, tx, build, batch)
  return { shown: position >= checkpoint, position }
}

async function cleanUp(tx: Transaction, projection: Projection, shown: Slot): Promise<void> {
  // Another rebuild may have begun to fill the old slot, or have shown it already.
  const state = await projectionState(tx, projection.name, tx.dialect.forUpdate)
  const busy = await rebuildOf(tx, projection.name)
  if (state?.slot === shown && busy === undefined) await dropSlot(tx, projection, otherSlot(shown))
}

/** Makes sure that this builder has not been replaced by another. */
async function ownRebuild(tx: Transaction, { projection, builder }: Build): Promise<Rebuild> {
  const rebuild = await rebuildOf(tx, projection.name, tx.dialect.forUpdate)
  if (rebuild?.builder === builder) return rebuild
  throw new Fault('aborted', `Another rebuild of ${projection.name} has taken over; wait for that one.`, {
    reason: 'REBUILD_SUPERSEDED',
  })
}

function writersRunSideBySide(store: Store): boolean {
  return store.dialect.forUpdate !== ''
}
