import type { Context } from 'trellis/kernel'

/** Longest wait for a ring, in milliseconds: what another process of the service wrote rings no bell here, so readers look again. */
const LOOK_AGAIN_MS = 1_000

/** Wakes those who wait for news about something, within one process. */
export class Bell {
  readonly #waiting = new Map<string, Set<() => void>>()

  /** News about `name`. */
  ring(name: string): void {
    const waiting = this.#waiting.get(name)
    this.#waiting.delete(name)
    if (waiting !== undefined) for (const wake of waiting) wake()
  }

  /** Resolves at the next ring from now, or after a second; rejects when the call is cancelled. Ask before looking, so that no ring falls between. */
  next(name: string, ctx: Context): Promise<void> {
    const heard = new Promise<void>((resolve, reject) => {
      const waiting = this.#waiting.get(name) ?? new Set()
      this.#waiting.set(name, waiting)
      const leave = (): void => {
        cancelTimer()
        leaveCall()
        waiting.delete(wake)
        if (waiting.size === 0 && this.#waiting.get(name) === waiting) this.#waiting.delete(name)
      }
      const wake = (): void => {
        leave()
        resolve()
      }
      waiting.add(wake)
      const cancelTimer = ctx.runtime.timers.after(LOOK_AGAIN_MS, wake)
      let leaveCall = (): void => undefined
      leaveCall = ctx.onCancelled(fault => {
        leave()
        reject(fault)
      })
    })
    // Who found something while looking does not wait any more: a caller that leaves then must not end the process.
    heard.catch(() => undefined)
    return heard
  }
}
