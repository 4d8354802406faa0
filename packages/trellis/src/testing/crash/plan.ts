/** What the system under test says, and what must come of it. */

/** The topic. */
export const SAID = 'crash.source.said.v1'

/** How many things are said. */
export const THINGS = 44

/** Leases of the system under test, milliseconds: short, so that a peer takes over soon. */
export const LEASE_MS = 400

/** Delay of what the broker delays, milliseconds: long enough that it is not due before it gets there, on a slow machine too. */
export const DELAY_MS = 300

/** What a thing goes through. */
export type Kind =
  /** Straight through, in the order of its key. */
  | 'plain'
  /** Fails the first time and waits for its retry, in the order of its key. */
  | 'flaky'
  /** Becomes a dead letter, is cured and redriven. */
  | 'ill'
  /** Through a timer. */
  | 'timer'
  /** Delayed by the broker. */
  | 'delayed'
  /** Refused by the broker: set aside by the relay. */
  | 'poison'

/** The data of a thing. */
export interface Said {
  readonly n: number
  readonly kind: string
}

/** What the thing number `n` goes through. */
export function kindOf(n: number): Kind {
  switch (n % 11) {
    case 3:
      return 'flaky'
    case 5:
      return 'ill'
    case 7:
      return 'timer'
    case 8:
      return 'delayed'
    case 10:
      return n < 22 ? 'poison' : 'plain'
    default:
      return 'plain'
  }
}
