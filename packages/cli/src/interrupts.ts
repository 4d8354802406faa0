/** Interrupts closer together than this are one: a terminal sends Ctrl-C to the whole group, and npm passes on its own. */
const ONE_PRESS_MS = 500

/** What people and supervisors send to end a process. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Resolves at the first interrupt; each later one calls `again`. Nothing ends this process by itself from then on. */
export function firstInterrupt(again: () => void): Promise<void> {
  const first = Promise.withResolvers<void>()
  let at: number | undefined
  const hear = (): void => {
    const now = performance.now()
    if (at === undefined) {
      at = now
      first.resolve()
    } else if (now - at >= ONE_PRESS_MS) again()
  }
  for (const signal of SIGNALS) process.on(signal, hear)
  return first.promise
}

/** Exit code of a process that an interrupt ended at once: 128 + SIGINT, as shells have it. */
export const INTERRUPTED = 130
