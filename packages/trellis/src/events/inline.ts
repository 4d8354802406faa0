import { type Runtime, sleep } from '../kernel/runtime.ts'
import type { Store, Transaction } from '../store/store.ts'
import type { RecordedEvent } from './events.ts'
import type { Projection } from './projection.ts'
import { projectionState, writableState } from './projection-state.ts'
import { type Slot, slotTables } from './slot.ts'

/** Longest time that an append holds back for a rebuild that moves the views, milliseconds: well below what a transaction may take. */
const HOLD_BACK_MS = 300
const LOOK_MS = 10

/** Applies events that a transaction has just appended to the shown slot, in the same transaction. */
export async function applyInline(
  runtime: Runtime,
  store: Store,
  tx: Transaction,
  projection: Projection,
  events: readonly RecordedEvent[],
): Promise<void> {
  const state = await writableState(tx, projection)
  if (state.switchingUntil > tx.now) await holdBack(runtime, store, projection, state.slot)
  const tables = slotTables(projection, state.slot)
  for (const event of events) await projection.apply(event, tx, tables)
}

/**
 * Waits until the views have moved. This transaction still sees the old slot: the store finds the conflict and runs it again, on the new one. Happens only
 * where writers run side by side, so that waiting holds nobody up but those who change the same aggregate.
 */
async function holdBack(runtime: Runtime, store: Store, { name }: Projection, slot: Slot): Promise<void> {
  const until = runtime.clock.monotonic() + HOLD_BACK_MS
  while (runtime.clock.monotonic() < until) {
    await sleep(runtime, LOOK_MS)
    if ((await projectionState(store.reader, name))?.slot !== slot) return
  }
}
