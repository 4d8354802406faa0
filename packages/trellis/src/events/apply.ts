import type { Runtime } from '../kernel/runtime.ts'
import type { Transaction } from '../store/store.ts'
import type { OrderedBatch } from './order.ts'
import type { Projection } from './projection.ts'
import { type Slot, slotTables } from './slot.ts'

/** Longest time that one transaction spends on a batch, in milliseconds: other writers of the service wait behind it. */
const BUDGET_MS = 100

/** Applies a batch to a slot until its end or until the time is up; the position reached. */
export async function applyBatch(
  runtime: Runtime,
  tx: Transaction,
  target: { readonly projection: Projection; readonly slot: Slot },
  batch: OrderedBatch,
): Promise<number> {
  const tables = slotTables(target.projection, target.slot)
  const until = runtime.clock.monotonic() + BUDGET_MS
  for (const { position, event } of batch.events) {
    await target.projection.apply(event, tx, tables)
    if (runtime.clock.monotonic() >= until) return position
  }
  return batch.position
}
