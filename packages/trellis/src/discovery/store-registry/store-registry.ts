import { Fault } from '../../kernel/fault.ts'
import type { CancelTimer, Runtime } from '../../kernel/runtime.ts'
import type { Store } from '../../store/store.ts'
import type { Logger } from '../../telemetry/telemetry.ts'
import type { Instance, Registration, Registry, Watch } from '../discovery.ts'
import { type Answer, LastGood } from '../last-good.ts'
import { beat, enter, type InstanceEntry, isSteady, type LeaseTimes, listEntries, steadiness } from './lease.ts'
import { registryMigrations } from './migrations.ts'

/** Tells other processes that the registry changed, sooner than their poll would. */
export interface RegistryWake {
  /** Wakes the others. */
  ring(): void
  /** Calls back when another one rang; may call too often. */
  listen(rung: () => void): CancelTimer
}

/** What a store-backed registry stands on. */
export interface StoreRegistryOptions {
  /** The store that all services share. */
  readonly store: Store
  /** Time in which a dead instance leaves, milliseconds. Default 5,000. */
  readonly leaseMs?: number
  /** Time between two renewals, milliseconds. Default 1,500: a lease survives two that fail. */
  readonly heartbeatMs?: number
  /** How often watches look, milliseconds. Default 250: a change is seen well within a second. */
  readonly pollMs?: number
  /** Default: none, the poll alone. */
  readonly wake?: RegistryWake
  /** Gets a line when the store is away and when it is back. */
  readonly logger?: Logger
}

/**
 * A registry on a store. One poller and one heartbeat serve everything in this process. Times are the store's.
 *
 * @example
 * await using registry = await createStoreRegistry(runtime, { store: platformStore })
 * await registry.register({ id: runtime.random.id(), service: 'orders', address, metadata: {} })
 */
export async function createStoreRegistry(runtime: Runtime, options: StoreRegistryOptions): Promise<Registry> {
  const { store, leaseMs = 5_000, heartbeatMs = 1_500, pollMs = 250, wake, logger } = options
  if (!(pollMs > 0)) throw new RangeError(`pollMs is ${pollMs}; use a number of milliseconds above 0.`)
  if (!(heartbeatMs > 0)) throw new RangeError(`heartbeatMs is ${heartbeatMs}; use a number of milliseconds above 0.`)
  // Two polls before the lease is over, so that one ends it and another sees it within the lease.
  const expiryMs = leaseMs - 2 * pollMs
  if (!(expiryMs >= 2 * heartbeatMs)) {
    throw new RangeError(
      `leaseMs is ${leaseMs}; use at least two heartbeats and two polls, ${2 * (heartbeatMs + pollMs)}.`,
    )
  }
  await store.migrate('registry', registryMigrations)
  return new StoreRegistry(runtime, { store, leaseMs, pollMs, wake, logger, times: { heartbeatMs, expiryMs } })
}

interface Parts {
  readonly store: Store
  readonly leaseMs: number
  readonly pollMs: number
  readonly wake: RegistryWake | undefined
  readonly logger: Logger | undefined
  readonly times: LeaseTimes
}

/** One watch: its list, and whom to tell. */
interface Watcher {
  readonly service: string
  readonly list: LastGood
  readonly changed: (instances: readonly Instance[]) => void
}

class StoreRegistry implements Registry {
  readonly #runtime: Runtime
  readonly #parts: Parts
  readonly #registered = new Map<string, Instance>()
  readonly #watchers = new Set<Watcher>()
  readonly #closed = new AbortController()
  readonly #cancelWake: CancelTimer | undefined
  #cancelTick: CancelTimer | undefined
  #nextBeat = 0
  #looking: Promise<void> | undefined
  #renewal: Promise<void> | undefined
  #away = false

  constructor(runtime: Runtime, parts: Parts) {
    this.#runtime = runtime
    this.#parts = parts
    this.#cancelWake = parts.wake?.listen(() => this.#tick())
  }

  async register(instance: Instance): Promise<Registration> {
    this.#checkOpen()
    await this.#parts.store.transaction(tx => enter(tx, instance, 'up'))
    this.#registered.set(instance.id, instance)
    this.#changed()
    let leaving: Promise<void> | undefined
    const leaveOnce = (): Promise<void> => {
      leaving ??= this.#leave(instance)
      return leaving
    }
    return { leave: leaveOnce, [Symbol.asyncDispose]: leaveOnce }
  }

  async watch(service: string, changed: (instances: readonly Instance[]) => void): Promise<Watch> {
    this.#checkOpen()
    const list = new LastGood(this.#parts.leaseMs)
    const watcher: Watcher = { service, list, changed }
    list.update(answerFor(service, await listEntries(this.#parts.store.reader)), this.#runtime.clock.monotonic())
    changed(list.instances)
    this.#watchers.add(watcher)
    this.#tick()
    return {
      get instances() {
        return list.instances
      },
      [Symbol.asyncDispose]: async () => void this.#watchers.delete(watcher),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed.signal.aborted) return
    this.#closed.abort(closedFault())
    this.#cancelTick?.()
    this.#cancelWake?.()
    this.#watchers.clear()
    await this.#looking
    await this.#renewal
    // A leave that fails now costs nothing but time: the lease ends by itself.
    await Promise.allSettled([...this.#registered.values()].map(instance => this.#leave(instance)))
  }

  async #leave(instance: Instance): Promise<void> {
    if (!this.#registered.delete(instance.id)) return
    // A heartbeat under way may have this instance in hand and would bring it back.
    await this.#renewal
    await this.#parts.store.transaction(tx => enter(tx, instance, 'left'))
    this.#changed()
  }

  #changed(): void {
    this.#parts.wake?.ring()
    this.#tick()
  }

  /** Looks, renews what is due, and arms the timer for the next time. */
  #tick(): void {
    if (this.#closed.signal.aborted) return
    this.#cancelTick?.()
    const { pollMs, times } = this.#parts
    const now = this.#runtime.clock.monotonic()
    if (this.#watchers.size > 0) this.#poll()
    if (this.#registered.size > 0 && now >= this.#nextBeat) this.#beat()
    if (this.#watchers.size === 0 && this.#registered.size === 0) return
    const untilBeat = this.#registered.size > 0 ? Math.max(1, this.#nextBeat - now) : times.heartbeatMs
    const ms = this.#watchers.size > 0 ? Math.min(pollMs, untilBeat) : untilBeat
    this.#cancelTick = this.#runtime.timers.after(ms, () => this.#tick(), { background: true })
  }

  #poll(): void {
    this.#looking ??= this.#report(this.#look()).then(() => {
      this.#looking = undefined
    })
  }

  async #look(): Promise<void> {
    const { store, times } = this.#parts
    const entries = await listEntries(store.reader)
    const now = this.#runtime.clock.monotonic()
    for (const watcher of this.#watchers) {
      if (watcher.list.update(answerFor(watcher.service, entries), now)) watcher.changed(watcher.list.instances)
    }
    const storeNow = await store.now()
    const steady = await steadiness(store.reader)
    const quiet = storeNow - steady.checkedAt > 1.5 * times.heartbeatMs
    const overdue = entries.some(({ state, renewedAt }) => state === 'up' && storeNow - renewedAt >= times.expiryMs)
    // Where nobody else renews, a watcher keeps the registry going, so that the last instance can be found dead.
    if (quiet || (overdue && isSteady(steady, storeNow, times))) this.#beat()
  }

  #beat(): void {
    if (this.#renewal !== undefined) return
    const { store, times } = this.#parts
    const { clock, random } = this.#runtime
    // Spread, so that processes that started together do not write together.
    this.#nextBeat = clock.monotonic() + times.heartbeatMs * (0.9 + random.next() * 0.1)
    // The instances are read when the transaction runs: one that has left while it waited must not come back.
    const renewed = store.transaction(tx => beat(tx, [...this.#registered.values()], times), {
      signal: this.#closed.signal,
    })
    this.#renewal = this.#report(renewed).then(() => {
      this.#renewal = undefined
    })
  }

  /** Resolves when the work has ended, either way. A failure is logged once per outage; the next tick tries again. */
  async #report(work: Promise<void>): Promise<void> {
    let fault: Fault | undefined
    await work.catch((error: unknown) => {
      fault = Fault.from(error)
    })
    const away = fault !== undefined
    if (away === this.#away || this.#closed.signal.aborted) return
    this.#away = away
    if (away) this.#parts.logger?.log('warn', 'The registry is away; lists stay as they are', {}, undefined, fault)
    else this.#parts.logger?.log('info', 'The registry is back')
  }

  #checkOpen(): void {
    if (this.#closed.signal.aborted) throw closedFault()
  }
}

function answerFor(service: string, entries: readonly InstanceEntry[]): Answer {
  const own = entries.filter(({ instance }) => instance.service === service)
  return {
    up: own.filter(({ state }) => state === 'up').map(({ instance }) => instance),
    gone: new Set(own.filter(({ state }) => state !== 'up').map(({ instance }) => instance.id)),
  }
}

function closedFault(): Fault {
  return new Fault('unavailable', 'The registry is closed; open a new one.', {
    reason: 'REGISTRY_CLOSED',
    retryable: false,
  })
}
