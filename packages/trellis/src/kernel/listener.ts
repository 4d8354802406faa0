/**
 * Calls a listener of the kernel's. What it throws is a mistake in it and becomes an uncaught error, as with `EventTarget`: thrown
 * into the loop instead, it would keep the listeners after it, or the deadlines of other calls, from being told.
 */
export function callListener<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
