import type { Deadline } from './deadline.ts'
import { Fault } from './fault.ts'
import type { Identity } from './identity.ts'
import type { Runtime } from './runtime.ts'
import type { Baggage, TraceContext } from './trace.ts'
import { newTrace } from './trace.ts'

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
  /** Calls back when the call has ended; for a stream, when the stream has. At once when it already has. In order of registration. */
  onSettled(listener: (outcome: Outcome) => void): void
  /** Calls back when the call is cancelled; at once when it already is. Returns a function that takes the listener off. */
  onCancelled(listener: (fault: Fault) => void): () => void
  /** A context for a part of this call: it ends no later, and is cancelled with it. */
  child(options?: ContextOptions): CallContext
}

/** What a new context starts with; what is left out comes from the parent. */
export interface ContextOptions {
  /** Milliseconds from now. Below a parent the earlier of both deadlines holds. */
  readonly timeoutMs?: number
  readonly identity?: Identity | undefined
  readonly trace?: TraceContext
  readonly baggage?: Baggage
}

const NO_BAGGAGE: Baggage = Object.freeze({})

/** A context together with the right to cancel and settle it: held by whoever runs the call, passed on as `Context`. */
export class CallContext implements Context {
  readonly runtime: Runtime
  readonly deadline: number | undefined
  readonly identity: Identity | undefined
  readonly baggage: Baggage
  readonly #parent: CallContext | undefined
  #trace: TraceContext | undefined
  #cancelled: Fault | undefined
  #outcome: Outcome | undefined
  #controller: AbortController | undefined
  #attributes: Map<Attribute<unknown>, unknown> | undefined
  #settledListeners: ((outcome: Outcome) => void)[] | undefined
  #cancelListeners: Set<(fault: Fault) => void> | undefined
  #armed: Deadline | undefined
  #leaveParent: (() => void) | undefined

  constructor(runtime: Runtime, options: ContextOptions = {}, parent?: CallContext) {
    this.runtime = runtime
    this.#parent = parent
    const own = options.timeoutMs === undefined ? undefined : runtime.clock.monotonic() + options.timeoutMs
    const above = parent?.deadline
    this.deadline = own === undefined ? above : above === undefined || own < above ? own : above
    this.identity = 'identity' in options ? options.identity : parent?.identity
    this.#trace = options.trace ?? parent?.trace
    this.baggage = options.baggage ?? parent?.baggage ?? NO_BAGGAGE
  }

  get trace(): TraceContext {
    this.#trace ??= newTrace(this.runtime.random)
    return this.#trace
  }

  get cancelled(): Fault | undefined {
    if (this.#cancelled !== undefined || this.#outcome !== undefined) return this.#cancelled
    if (this.deadline !== undefined && this.runtime.clock.monotonic() >= this.deadline) this.cancel(deadlineExceeded())
    else if (this.#parent?.cancelled !== undefined) this.cancel(this.#parent.cancelled)
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
    return this.#parent?.get(key)
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
      return () => undefined
    }
    if (this.#outcome !== undefined) return () => undefined
    if (this.#cancelListeners === undefined) {
      this.#cancelListeners = new Set()
      this.#watch()
    }
    const listeners = this.#cancelListeners
    const own = (fault: Fault): void => listener(fault)
    listeners.add(own)
    return () => void listeners.delete(own)
  }

  child(options: ContextOptions = {}): CallContext {
    return new CallContext(this.runtime, options, this)
  }

  /** Ends the call early: listeners and the signal fire once, children are cancelled too. Nothing happens after it was settled. */
  cancel(fault: Fault): void {
    if (this.#cancelled !== undefined || this.#outcome !== undefined) return
    this.#cancelled = fault
    this.#unwatch()
    const listeners = this.#cancelListeners
    this.#cancelListeners = undefined
    if (listeners !== undefined) for (const listener of listeners) listener(fault)
  }

  /** Reports how the call ended. The first report counts; it releases the deadline and the tie to the parent. */
  settle(outcome: Outcome): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    this.#unwatch()
    this.#cancelListeners = undefined
    const listeners = this.#settledListeners
    this.#settledListeners = undefined
    if (listeners !== undefined) for (const listener of listeners) listener(outcome)
  }

  /** Starts to watch the deadline and the parent: only once someone wants to know, so that a plain call pays for neither. */
  #watch(): void {
    const parent = this.#parent
    if (parent !== undefined) this.#leaveParent = parent.onCancelled(fault => this.cancel(fault))
    if (this.deadline !== undefined && this.deadline !== parent?.deadline) {
      this.#armed = this.runtime.deadlines.add(this.deadline, () => this.cancel(deadlineExceeded()))
    }
  }

  #unwatch(): void {
    if (this.#armed !== undefined) this.runtime.deadlines.remove(this.#armed)
    this.#leaveParent?.()
    this.#armed = undefined
    this.#leaveParent = undefined
  }
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
