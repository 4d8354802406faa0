/** Reads the time. `timeScale` is already applied: with 1/20 this clock runs twenty times as fast. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump; for timestamps and for what other processes compare. */
  now(): number
  /** Milliseconds from an arbitrary origin, never backwards; for durations and deadlines in this process. */
  monotonic(): number
  /** Converts a wall time of another machine (a database server) to this clock's scale. */
  fromWall(wallMs: number): number
}

/** Cancels what was scheduled; harmless when that has run. */
export type CancelTimer = () => void

/** Runs functions later. All durations are milliseconds of the `Clock`. */
export interface Timers {
  /** Runs `fn` once after `ms`. A `background` timer does not keep the process alive; default false. */
  after(ms: number, fn: () => void, options?: { readonly background?: boolean }): CancelTimer
  /** Runs `fn` after the I/O of the current turn of the event loop, to gather what one turn brings. */
  turn(fn: () => void): void
}
