import type { Deadline } from './deadline.ts'
import { Fault } from './fault.ts'
import type { Identity } from './identity.ts'
import { callListener } from './listener.ts'
import type { Runtime } from './runtime.ts'
import type { Baggage, TraceContext } from './trace.ts'
import { NO_BAGGAGE, newTrace } from './trace.ts'

/** A typed key for something that travels with a call inside the process. Compared by identity; the name is for people. */
export interface Attribute<T> {
  readonly name: string
  /** Only for inference; never set. */
  readonly type?: T
}

/** Declares an attribute. */
export function attribute<T>(name: string): Attribute<T> {
  return { name }
}

/** How a call ended. */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly fault: Fault }

/** What a handler knows about the call it serves. Explicit, never ambient. */
export interface Context {
  readonly runtime: Runtime
  /** When the call must have ended, in milliseconds of `runtime.clock.monotonic()`; undefined: no limit. */
  readonly deadline: number | undefined
  /** Aborts when the caller goes or the deadline passes; `reason` is a `Fault`. Made on first use. */
  readonly signal: AbortSignal
  /** Why the call was cancelled; undefined while it goes on. Cheaper than `signal`. */
  readonly cancelled: Fault | undefined
  readonly identity: Identity | undefined
  readonly trace: TraceContext
  readonly baggage: Baggage
  /** Value of an attribute, set here or on a context above. */
  get<T>(key: Attribute<T>): T | undefined
  /** Sets an attribute for this context and those below it. */
  set<T>(key: Attribute<T>, value: T): void
  /**
   * Calls back when the call has ended; for a stream, when the stream has. At once when it already has. In order of registration.
   * What a listener throws is an uncaught error; it does not change the outcome.
   */
  onSettled(listener: (outcome: Outcome) => void): void
  /** Calls back when the call is cancelled; at once when it already is, never once it has ended. Returns a function that takes the listener off. */
  onCancelled(listener: (fault: Fault) => void): () => void
  /** A context for a part of this call: it ends no later, and is cancelled with it. Who makes one settles it. */
  child(options?: ContextOptions): CallContext
}

/** What a new context starts with; what is left out comes from the parent. */
export interface ContextOptions {
  /** Milliseconds from now. Below a parent the earlier of both deadlines holds. `Infinity` sets none. */
  readonly timeoutMs?: number
  readonly identity?: Identity | undefined
  readonly trace?: TraceContext
  readonly baggage?: Baggage
  /**
   * The call passes from one service to another within the process: nothing but what a wire would carry is seen below. Attributes stay above, and the
   * trace counts as remote. Default: false.
   */
  readonly boundary?: boolean
}

const NO_OPTIONS: ContextOptions = Object.freeze({})
const NOTHING = (): void => undefined

/**
 * A context together with the right to cancel and settle it: held by whoever runs the call, passed on as `Context`.
 *
 * Most calls end before anyone asks whether they were cancelled, so a context is unknown to its parent and to the heap of deadlines
 * until somebody listens, and again once nobody does. While somebody listens, the parent holds it: one that is never settled stays
 * until its deadline, its cancellation or the parent's end, whichever comes first.
 */
export class CallContext implements Context {
  readonly runtime: Runtime
  readonly deadline: number | undefined
  readonly identity: Identity | undefined
  readonly baggage: Baggage
  readonly #parent: CallContext | undefined
  readonly #boundary: boolean
  #trace: TraceContext | undefined
  #cancelled: Fault | undefined
  #outcome: Outcome | undefined
  #controller: AbortController | undefined
  #attributes: Map<Attribute<unknown>, unknown> | undefined
  #settledListeners: ((outcome: Outcome) => void)[] | undefined
  /** The first listener has a place of its own: nearly every call has one, and a set for it costs more than the call's deadline. */
  #cancelListener: ((fault: Fault) => void) | undefined
  #cancelListeners: Set<(fault: Fault) => void> | undefined
  /** The contexts right below that somebody listens to. */
  #children: Set<CallContext> | undefined
  #armed: Deadline | undefined

  constructor(runtime: Runtime, options: ContextOptions = NO_OPTIONS, parent?: CallContext) {
    this.runtime = runtime
    this.#parent = parent
    this.#boundary = options.boundary === true
    this.deadline = earlierDeadline(runtime, options.timeoutMs, parent?.deadline)
    this.identity = 'identity' in options ? options.identity : parent?.identity
    this.#trace = options.trace
    this.baggage = options.baggage ?? parent?.baggage ?? NO_BAGGAGE
  }

  get trace(): TraceContext {
    if (this.#trace === undefined) {
      const above = this.#parent?.trace ?? newTrace(this.runtime.random)
      this.#trace = this.#boundary && above.remote !== true ? { ...above, remote: true } : above
    }
    return this.#trace
  }

  get cancelled(): Fault | undefined {
    if (this.#cancelled !== undefined || this.#outcome !== undefined) return this.#cancelled
    // No deadline above is earlier than this one's, so only one reading of the clock is needed.
    for (let above = this.#parent; above !== undefined; above = above.#parent) {
      if (above.#cancelled !== undefined) {
        this.cancel(above.#cancelled)
        return this.#cancelled
      }
      if (above.#outcome !== undefined) break
    }
    if (this.deadline !== undefined && this.runtime.clock.monotonic() >= this.deadline) this.cancel(deadlineExceeded())
    return this.#cancelled
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController()
      this.#controller = controller
      this.onCancelled(fault => controller.abort(fault))
    }
    return this.#controller.signal
  }

  get<T>(key: Attribute<T>): T | undefined {
    if (this.#attributes?.has(key)) return this.#attributes.get(key) as T
    return this.#boundary ? undefined : this.#parent?.get(key)
  }

  set<T>(key: Attribute<T>, value: T): void {
    this.#attributes ??= new Map()
    this.#attributes.set(key, value)
  }

  onSettled(listener: (outcome: Outcome) => void): void {
    if (this.#outcome !== undefined) {
      listener(this.#outcome)
      return
    }
    this.#settledListeners ??= []
    this.#settledListeners.push(listener)
  }

  onCancelled(listener: (fault: Fault) => void): () => void {
    const already = this.cancelled
    if (already !== undefined) {
      listener(already)
      return NOTHING
    }
    if (this.#outcome !== undefined) return NOTHING
    // The same function may listen twice.
    const own = (fault: Fault): void => listener(fault)
    if (!this.#listenedTo()) {
      this.#cancelListener = own
      this.#watch()
      return () => {
        if (this.#cancelListener !== own) return
        this.#cancelListener = undefined
        if (!this.#listenedTo()) this.#unwatch()
      }
    }
    this.#cancelListeners ??= new Set()
    const listeners = this.#cancelListeners
    listeners.add(own)
    return () => {
      // What a cancellation has taken over is only kept from being called.
      if (listeners.delete(own) && this.#cancelListeners === listeners && !this.#listenedTo()) this.#unwatch()
    }
  }

  child(options: ContextOptions = NO_OPTIONS): CallContext {
    return new CallContext(this.runtime, options, this)
  }

  /** Ends the call early: listeners and the signal fire once, then children are cancelled too. Nothing happens after it was settled. */
  cancel(fault: Fault): void {
    if (this.#cancelled !== undefined || this.#outcome !== undefined) return
    this.#cancelled = fault
    const first = this.#cancelListener
    const listeners = this.#cancelListeners
    const children = this.#children
    this.#release()
    if (first !== undefined) callListener(first, fault)
    if (listeners !== undefined) for (const listener of listeners) callListener(listener, fault)
    if (children !== undefined) for (const child of children) child.cancel(fault)
  }

  /**
   * Reports how the call ended. The first report counts; it releases the deadline and the tie to the parent. Children that still
   * run keep their deadlines, and no longer hear of a cancellation above.
   */
  settle(outcome: Outcome): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    this.#release()
    const listeners = this.#settledListeners
    this.#settledListeners = undefined
    if (listeners !== undefined) for (const listener of listeners) callListener(listener, outcome)
  }

  #watch(): void {
    if (this.#children === undefined || this.#children.size === 0) this.#join()
    // Its own, also when it is the parent's: the parent may be settled first.
    if (this.deadline !== undefined) {
      this.#armed = this.runtime.deadlines.add(this.deadline, () => this.cancel(deadlineExceeded()))
    }
  }

  #unwatch(): void {
    this.#disarm()
    if (this.#children === undefined || this.#children.size === 0) this.#leave()
  }

  /** Makes the parent tell of its cancellation. The parent need not watch its deadline for that: it is no earlier than ours. */
  #join(): void {
    const parent = this.#parent
    if (parent === undefined || parent.#outcome !== undefined) return
    parent.#children ??= new Set()
    parent.#children.add(this)
    if (parent.#children.size === 1 && !parent.#listenedTo()) parent.#join()
  }

  #leave(): void {
    const parent = this.#parent
    if (parent === undefined || parent.#children === undefined || !parent.#children.delete(this)) return
    if (parent.#children.size === 0 && !parent.#listenedTo()) parent.#leave()
  }

  #listenedTo(): boolean {
    return this.#cancelListener !== undefined || (this.#cancelListeners !== undefined && this.#cancelListeners.size > 0)
  }

  #disarm(): void {
    if (this.#armed !== undefined) this.runtime.deadlines.remove(this.#armed)
    this.#armed = undefined
  }

  #release(): void {
    this.#disarm()
    this.#cancelListener = undefined
    this.#cancelListeners = undefined
    this.#children = undefined
    this.#leave()
  }
}

function earlierDeadline(
  runtime: Runtime,
  timeoutMs: number | undefined,
  above: number | undefined,
): number | undefined {
  if (timeoutMs === undefined || timeoutMs === Number.POSITIVE_INFINITY) return above
  if (Number.isNaN(timeoutMs))
    throw new RangeError('timeoutMs is NaN; give the milliseconds from now, or leave it out.')
  const own = runtime.clock.monotonic() + timeoutMs
  return above === undefined || own < above ? own : above
}

/** Milliseconds left until the deadline, never negative; undefined when there is no limit. */
export function remainingMs(ctx: Context): number | undefined {
  return ctx.deadline === undefined ? undefined : Math.max(0, ctx.deadline - ctx.runtime.clock.monotonic())
}

/** Throws the fault of a cancelled context: call it between the steps of long work. */
export function throwIfCancelled(ctx: Context): void {
  const fault = ctx.cancelled
  if (fault !== undefined) throw fault
}

/**
 * Waits for `work`, but no longer than the call lasts: rejects with `deadline_exceeded` or `cancelled` as soon as the
 * context ends. The work itself is not stopped; whoever does it watches the same context.
 */
export function untilCancelled<T>(ctx: Context, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = ctx.onCancelled(reject)
    work.then(
      value => {
        leave()
        resolve(value)
      },
      (error: unknown) => {
        leave()
        reject(error)
      },
    )
  })
}

/** The fault of a call whose time is over. */
export function deadlineExceeded(): Fault {
  return new Fault('deadline_exceeded', 'The deadline of the call has passed; allow it more time or ask for less.', {
    reason: 'DEADLINE_EXCEEDED',
  })
}
