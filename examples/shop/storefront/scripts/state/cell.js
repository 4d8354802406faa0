/**
 * A value that others watch. `watch` calls back with the value of now and at each change, until the signal says stop.
 *
 * @template T
 * @param {T} initial
 */
export function cell(initial) {
  let current = initial
  const watchers = new Set()
  return {
    get value() {
      return current
    },
    /** @param {T} value */
    set(value) {
      if (Object.is(value, current)) return
      current = value
      for (const watcher of [...watchers]) watcher(value)
    },
    /**
     * @param {(value: T) => void} watcher
     * @param {AbortSignal} [signal]
     */
    watch(watcher, signal) {
      if (signal?.aborted) return
      watchers.add(watcher)
      signal?.addEventListener('abort', () => watchers.delete(watcher), { once: true })
      watcher(current)
    },
  }
}
