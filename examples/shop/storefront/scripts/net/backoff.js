/** Milliseconds before try number `attempt` (from 0): exponential with full jitter, never less than a tenth of the step. */
export function backoffMs(attempt, { baseMs = 300, maxMs = 10_000 } = {}) {
  const step = Math.min(maxMs, baseMs * 2 ** attempt)
  return step * (0.1 + 0.9 * Math.random())
}

/**
 * Resolves after `ms`, rejects with the signal's reason when that comes first.
 *
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
