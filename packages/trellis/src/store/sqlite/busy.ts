import type { Runtime } from '../../kernel/index.ts'

/** Lets another process finish: two turns of the event loop, since most transactions are short, then up to 5 ms with jitter: a look costs microseconds. */
export function busyPause(runtime: Runtime, attempt: number): Promise<void> {
  return new Promise(resolve => {
    if (attempt < 2) return runtime.timers.turn(resolve)
    const longest = Math.min(5, 2 ** Math.min(attempt - 2, 3))
    runtime.timers.after(runtime.random.next() * longest, resolve)
  })
}
