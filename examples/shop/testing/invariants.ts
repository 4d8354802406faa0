/** The shop's invariants, checked from the outside: its books against each other, against the provider's, and against what its clients remember. */
import type { Evidence } from './evidence.ts'

/** The outcome of one invariant. */
export interface Finding {
  readonly invariant: string
  /** How many things were looked at. */
  readonly checked: number
  /** What does not hold, in words. */
  readonly violations: readonly string[]
}

/** 1: on hand = adjustments − committed, reserved = open reservations, available never below 0. */
export function stockAddsUp({ stock, adjustments, reservations }: Evidence): Finding {
  const violations: string[] = []
  const adjusted = new Map<string, number>()
  const reserved = new Map<string, number>()
  const committed = new Map<string, number>()
  const add = (to: Map<string, number>, key: string, by: number): unknown => to.set(key, (to.get(key) ?? 0) + by)
  for (const { productId, delta } of adjustments) add(adjusted, productId, delta)
  for (const { state, lines } of reservations.values()) {
    for (const { productId, quantity } of lines) {
      if (state === 'reserved') add(reserved, productId, quantity)
      if (state === 'committed') add(committed, productId, quantity)
    }
  }
  for (const { productId, onHand, reserved: set } of stock) {
    const due = (adjusted.get(productId) ?? 0) - (committed.get(productId) ?? 0)
    if (onHand !== due) violations.push(`${productId}: ${onHand} on hand, but the books make ${due}`)
    const open = reserved.get(productId) ?? 0
    if (set !== open) violations.push(`${productId}: ${set} reserved, but open reservations hold ${open}`)
    if (onHand < set) violations.push(`${productId}: available is ${onHand - set}`)
  }
  return { invariant: '1 stock adds up', checked: stock.length, violations }
}
