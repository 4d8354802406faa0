import type { EventStore, Projection } from '../../events/index.ts'
import { isFault, type Runtime } from '../../kernel/index.ts'
import type { Store } from '../../store/index.ts'
import type { AccountEvent } from './account.ts'

/** An event store of the kit, and the store under it. */
export interface EventsUnderTest {
  readonly runtime: Runtime
  readonly store: Store
  readonly events: EventStore
  /** Opens the same database as a further process would; the kit closes it. */
  another(projections?: readonly Projection[]): Promise<EventsUnderTest>
  /** Runs a command in a transaction of its own, again when it lost a race. */
  execute(id: string, command: AccountEvent): Promise<void>
  close(): Promise<void>
}

/** Declares a test of the kit that starts with an event store that has these projections. */
export type Promised = (
  title: string,
  projections: readonly Projection[],
  body: (subject: EventsUnderTest) => Promise<void>,
) => void

/** Whether an error is a fault of this code and reason. */
export function fault(code: string, reason: string): (error: unknown) => boolean {
  return error => isFault(error, reason) && error.code === code
}
