/** The two slots that each table of a projection has, and the view in front of them. */
import type { Transaction } from '../store/store.ts'
import type { Projection } from './projection.ts'

/** One of the two places of a projection's tables. */
export type Slot = 1 | 2

/** The slot that is not `slot`. */
export function otherSlot(slot: Slot): Slot {
  return slot === 1 ? 2 : 1
}

/** Names of a projection's tables in a slot, by the names that queries use. */
export function slotTables(projection: Projection, slot: Slot): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(projection.tables).map(table => [table, `${table}__${slot}`]))
}

/** Makes the tables of a slot, empty; what a broken-off rebuild left there goes. */
export async function createSlot(tx: Transaction, projection: Projection, slot: Slot): Promise<void> {
  await dropSlot(tx, projection, slot)
  const tables = slotTables(projection, slot)
  for (const [name, statements] of Object.entries(projection.tables)) {
    for (const statement of statements(tables[name]!, tx.dialect)) await tx.run(statement)
  }
}

/** Removes the tables of a slot. */
export async function dropSlot(tx: Transaction, projection: Projection, slot: Slot): Promise<void> {
  for (const table of Object.values(slotTables(projection, slot))) await tx.run(`drop table if exists ${table}`)
}

/** Lets queries see a slot. Takes effect for all tables at once, with the transaction. */
export async function showSlot(tx: Transaction, projection: Projection, slot: Slot): Promise<void> {
  for (const [view, table] of Object.entries(slotTables(projection, slot))) {
    await tx.run(`drop view if exists ${view}`)
    await tx.run(`create view ${view} as select * from ${table}`)
  }
}
