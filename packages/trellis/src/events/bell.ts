/** Wakes one waiter. A ring while nobody waits is kept, so that nothing is missed between looking and waiting; several are one. */
export class Bell {
  #rung = false
  #closed = false
  #answer: ((again: boolean) => void) | undefined

  /** Wakes the waiter, or lets the next wait end at once. */
  ring(): void {
    if (this.#answer === undefined) this.#rung = true
    else this.#settle(true)
  }

  /** Ends every wait, now and later, with false. */
  close(): void {
    this.#closed = true
    this.#settle(false)
  }

  /** Waits for a ring: true; false when the signal aborts or the bell is closed. One waiter at a time. */
  wait(signal?: AbortSignal): Promise<boolean> {
    if (this.#closed || signal?.aborted) return Promise.resolve(false)
    if (this.#rung) {
      this.#rung = false
      return Promise.resolve(true)
    }
    return new Promise(resolve => {
      const abort = (): void => this.#settle(false)
      this.#answer = again => {
        signal?.removeEventListener('abort', abort)
        resolve(again)
      }
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  #settle(again: boolean): void {
    const answer = this.#answer
    this.#answer = undefined
    answer?.(again)
  }
}
