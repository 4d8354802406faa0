import type { Instance } from './discovery.ts'

/** What a registry answers about one service. */
export interface Answer {
  /** Instances that serve. */
  readonly up: readonly Instance[]
  /** Ids that are known to have gone: they left, or their lease ended. */
  readonly gone: ReadonlySet<string>
}

/**
 * The last good list of one service. An instance goes when the registry says so. One that an answer merely fails to mention (an emptied or restored
 * registry, an answer from a lagging copy) stays while the answer names nobody else, and otherwise until it was missing for a whole lease. So the list becomes
 * empty only when the last instance is known to have left or died, never because a registry is away or answers with nothing.
 */
export class LastGood {
  readonly #keepMs: number
  /** Known instances, with the time at which each was first missed. */
  readonly #known = new Map<string, { readonly instance: Instance; missedAt: number | undefined }>()
  #list: readonly Instance[] = []

  /** `keepMs`: the lease. */
  constructor(keepMs: number) {
    this.#keepMs = keepMs
  }

  /** The list, ordered by id. */
  get instances(): readonly Instance[] {
    return this.#list
  }

  /** Takes an answer in; true when the list changed. `now` is any clock of milliseconds that only goes forward. */
  update({ up, gone }: Answer, now: number): boolean {
    const named = new Set(up.map(({ id }) => id))
    for (const instance of up) this.#known.set(instance.id, { instance, missedAt: undefined })
    for (const [id, entry] of this.#known) {
      if (named.has(id)) continue
      entry.missedAt ??= now
      if (gone.has(id) || (up.length > 0 && now - entry.missedAt >= this.#keepMs)) this.#known.delete(id)
    }
    const list = [...this.#known.values()].map(({ instance }) => instance).sort((a, b) => (a.id < b.id ? -1 : 1))
    const same = list.length === this.#list.length && list.every(({ id }, index) => id === this.#list[index]!.id)
    if (same) return false
    this.#list = list
    return true
  }
}
