/** Runs pieces of work one after the other: edits of one order must not overtake each other. */
export function queue() {
  let last = /** @type {Promise<any>} */ (Promise.resolve())
  return work => {
    const mine = last.then(work)
    last = mine.catch(() => undefined) // its caller hears of the failure; the next one runs all the same
    return mine
  }
}
