/**
 * Idempotency keys: the same key and body act once and get the same answer. A key is claimed before the handler runs; the handler's one
 * transaction stores its value together with its effect, so that a run after a crash gets that value and its body does not run twice; the answer
 * is kept for twins. The promise rests on the store alone, not on this process: a claim that was lost to another run can't commit.
 */
import { createHash } from 'node:crypto'
import type { Attribute, Context } from '../kernel/context.ts'
import { attribute, remainingMs, throwIfCancelled, untilCancelled } from '../kernel/context.ts'
import type { FaultCode } from '../kernel/fault.ts'
import { Fault } from '../kernel/fault.ts'
import type { Handler, Target } from '../kernel/handler.ts'
import { replayed } from '../kernel/replayed.ts'
import type { CancelTimer, Runtime } from '../kernel/runtime.ts'
import { sleep } from '../kernel/runtime.ts'
import type { Store, Transaction } from '../store/store.ts'
import { canonicalJson } from './canonical-json.ts'
import { checkIdempotencyKey, idempotencyKey } from './idempotency-key.ts'
import type { Claim, Owner } from './idempotency-table.ts'
import {
  claim,
  freeDeadClaims,
  IDEMPOTENCY_MIGRATIONS,
  IDEMPOTENCY_MODULE,
  keepAnswer,
  keepCommitted,
  release,
  sweep,
} from './idempotency-table.ts'

/** The key that the current run holds. Whoever runs the handler's transaction uses it, see `storeIn`. */
export interface IdempotencyRecord {
  /** The transaction of an earlier run of this call was committed with this value: give it in place of running the body. */
  readonly committed: { readonly value: unknown } | undefined
  /**
   * Stores the value of the handler's transaction, inside it and last. Throws `aborted` / `IDEMPOTENCY_CLAIM_LOST`, which must roll it back, when
   * another run has taken the key over meanwhile. The value must be JSON.
   */
  storeIn(tx: Transaction, value: unknown): Promise<void>
}

/** The key that the current call holds; undefined when it has none. */
export const idempotencyRecord: Attribute<IdempotencyRecord> = attribute('idempotency-record')

/** How keys are kept. */
export interface IdempotencyKeysOptions {
  readonly store: Store
  /** Names the process within its service; the same after a restart, and different for two processes that run at once. */
  readonly owner: string
  /** How long an answer is kept, in milliseconds. Default 86,400,000 (24 h). */
  readonly keepMs?: number
}

const DAY_MS = 86_400_000
const SWEEP_EVERY_MS = 600_000
const SWEEP_LIMIT = 500
/** A run may outlive its deadline by this much before its claim is free for others; if it lives longer still, its commit is refused. */
const LEASE_MARGIN_MS = 10_000
const LEASE_WITHOUT_DEADLINE_MS = 60_000
const POLL_MS = 25
const MAX_POLL_MS = 250
const RETRY_AFTER_MS = 1_000

/** Faults that say something lasting about the request. All others may be different the next time, and are not kept. */
const LASTING: ReadonlySet<FaultCode> = new Set([
  'invalid_argument',
  'not_found',
  'already_exists',
  'failed_precondition',
  'out_of_range',
])

/** The keys of one store. Start it before the handlers that it wraps. */
export class IdempotencyKeys implements AsyncDisposable {
  readonly #runtime: Runtime
  readonly #store: Store
  readonly #owner: string
  readonly #keepMs: number
  /** Runs of this process, for their twins. */
  readonly #running = new Map<string, Promise<void>>()
  readonly #writes = new Set<Promise<void>>()
  #cancelSweep: CancelTimer | undefined
  #stopped = false

  constructor(runtime: Runtime, options: IdempotencyKeysOptions) {
    this.#runtime = runtime
    this.#store = options.store
    this.#owner = options.owner
    this.#keepMs = options.keepMs ?? DAY_MS
    if (!(this.#keepMs > 0)) throw new RangeError(`keepMs is ${this.#keepMs}; it must be above 0.`)
  }

  /** Makes the tables, frees the claims of this owner's earlier lives, and begins to remove what is old. */
  async start(): Promise<void> {
    await this.#store.migrate(IDEMPOTENCY_MODULE, IDEMPOTENCY_MIGRATIONS)
    await this.#store.transaction(tx => freeDeadClaims(tx, this.#owner))
    this.#armSweep()
  }

  /** Stops to remove what is old, and waits for answers that are being kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    this.#cancelSweep?.()
    await Promise.allSettled(this.#writes)
  }

  /**
   * Wraps a handler whose operation is idempotent by key. A call without a key passes. `path` gives what of the input names the thing that is acted
   * upon: the same key on another thing is another key. The input must be JSON.
   */
  wrap<I, O>(next: Handler<I, O>, target: Target, path: (input: I) => string): Handler<I, O> {
    return async (input, ctx) => {
      const key = ctx.get(idempotencyKey)
      if (key === undefined) return next(input, ctx)
      const subject = ctx.identity === undefined ? '' : `${ctx.identity.kind}:${ctx.identity.subject}`
      const parts = [subject, target.name, target.operation, path(input), checkIdempotencyKey(key)]
      return this.#once(next, input, ctx, JSON.stringify(parts))
    }
  }

  async #once<I, O>(next: Handler<I, O>, input: I, ctx: Context, call: string): Promise<O> {
    const scope = hash(call)
    // With the key, which its caller alone knows: a body may hold a password, and its hash alone could be guessed from a copy of the table.
    const bodyHash = hash(`${call}${canonicalJson(input)}`)
    const givesUpAt = giveUpAt(ctx)
    for (let polls = 0; ; polls++) {
      const run: Owner = { name: this.#owner, incarnation: this.#runtime.random.id() }
      const claimed = await this.#claim(ctx, scope, bodyHash, run)
      switch (claimed.kind) {
        case 'claimed':
          return this.#run(next, input, ctx, new HeldKey(scope, run.incarnation, claimed.committed))
        case 'answered':
          ctx.set(replayed, true)
          return readAnswer(claimed.answer) as O
        case 'reused':
          throw new Fault(
            'failed_precondition',
            'The idempotency key was used for another request; use a new key for a new request.',
            {
              reason: 'IDEMPOTENCY_KEY_REUSED',
            },
          )
        case 'running':
          await this.#waitForTwin(ctx, scope, polls, givesUpAt)
      }
    }
  }

  #claim(ctx: Context, scope: string, bodyHash: string, claimant: Owner): Promise<Claim> {
    const left = remainingMs(ctx)
    const leaseMs = left === undefined ? LEASE_WITHOUT_DEADLINE_MS : left + LEASE_MARGIN_MS
    const request = { scope, bodyHash, claimant, leaseMs, keepMs: this.#keepMs }
    return this.#store.transaction(tx => claim(tx, request))
  }

  async #waitForTwin(ctx: Context, scope: string, polls: number, givesUpAt: number): Promise<void> {
    const left = givesUpAt - ctx.runtime.clock.monotonic()
    if (left <= 0) {
      throw new Fault(
        'unavailable',
        'A request with the same idempotency key is still running; repeat this one a little later.',
        {
          reason: 'IDEMPOTENCY_KEY_IN_USE',
          retryAfterMs: RETRY_AFTER_MS,
        },
      )
    }
    const pauseMs = Math.min(left, POLL_MS * 2 ** Math.min(polls, 10), MAX_POLL_MS)
    const twin = this.#running.get(scope)
    if (twin === undefined) await sleep(ctx.runtime, pauseMs, ctx.signal)
    else await settled(ctx, twin, left)
    throwIfCancelled(ctx)
  }

  async #run<I, O>(next: Handler<I, O>, input: I, ctx: Context, held: HeldKey): Promise<O> {
    ctx.set(idempotencyRecord, held)
    const work = next(input, ctx)
    const over = work.then(
      output => this.#succeeded(held, output),
      error => this.#failed(held, Fault.from(error)),
    )
    this.#running.set(held.scope, over)
    try {
      await over
    } finally {
      if (this.#running.get(held.scope) === over) this.#running.delete(held.scope)
    }
    return work
  }

  async #succeeded(held: HeldKey, output: unknown): Promise<void> {
    const answer = JSON.stringify({ output })
    const kept = this.#write(tx => keepAnswer(tx, held.scope, held.incarnation, answer, this.#keepMs))
    // What the transaction stored is the answer already: the caller need not wait for the second write, which only spares a twin the run.
    if (held.stored === undefined || held.stored !== JSON.stringify(output)) await kept
  }

  async #failed(held: HeldKey, fault: Fault): Promise<void> {
    const { code, message, reason, details } = fault
    const lasting = LASTING.has(code) && !fault.retryable && held.stored === undefined && held.committed === undefined
    const answer = lasting ? JSON.stringify({ fault: { code, message, reason, details } }) : undefined
    // The fault is the answer, whether or not it could be kept: a claim that is not released runs out by itself.
    await this.#write(tx =>
      answer === undefined
        ? release(tx, held.scope, held.incarnation)
        : keepAnswer(tx, held.scope, held.incarnation, answer, this.#keepMs),
    ).catch(() => undefined)
  }

  #write(body: (tx: Transaction) => Promise<void>): Promise<void> {
    const write = this.#store.transaction(body)
    this.#writes.add(write)
    const forget = (): void => void this.#writes.delete(write)
    write.then(forget, forget)
    return write
  }

  #armSweep(): void {
    this.#cancelSweep = this.#runtime.timers.after(SWEEP_EVERY_MS, () => void this.#sweep(), { background: true })
  }

  async #sweep(): Promise<void> {
    try {
      while (!this.#stopped && (await this.#store.transaction(tx => sweep(tx, SWEEP_LIMIT))) === SWEEP_LIMIT);
    } catch {
      // The store is not available: what is old waits for the next round.
    }
    if (!this.#stopped) this.#armSweep()
  }
}

class HeldKey implements IdempotencyRecord {
  readonly scope: string
  readonly incarnation: string
  readonly committed: { readonly value: unknown } | undefined
  /** What the transaction of this run stored. */
  stored: string | undefined

  constructor(scope: string, incarnation: string, committed: string | undefined) {
    this.scope = scope
    this.incarnation = incarnation
    this.committed = committed === undefined ? undefined : { value: fromText(committed) }
  }

  async storeIn(tx: Transaction, value: unknown): Promise<void> {
    const text = toText(value)
    if (!(await keepCommitted(tx, this.scope, this.incarnation, text))) {
      throw new Fault(
        'aborted',
        'Another run of the same request took over, since this one took too long; nothing was changed by this one.',
        {
          reason: 'IDEMPOTENCY_CLAIM_LOST',
        },
      )
    }
    this.stored = text
  }
}

/** A transaction without a value is stored as empty text, which is no JSON. */
function toText(value: unknown): string {
  return JSON.stringify(value) ?? ''
}

function fromText(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text)
}

function readAnswer(answer: string): unknown {
  const { output, fault } = JSON.parse(answer) as { output?: unknown; fault?: KeptFault }
  if (fault === undefined) return output
  throw new Fault(fault.code, fault.message, {
    reason: fault.reason,
    ...(fault.details === undefined ? {} : { details: fault.details }),
  })
}

interface KeptFault {
  readonly code: FaultCode
  readonly message: string
  readonly reason: string
  readonly details?: unknown
}

/** A little before the deadline, so that the hint to repeat arrives and not the deadline's fault. */
function giveUpAt(ctx: Context): number {
  const left = remainingMs(ctx) ?? LEASE_WITHOUT_DEADLINE_MS
  return ctx.runtime.clock.monotonic() + left - Math.min(100, left / 10)
}

/** Waits until a twin is over, however it ended, and no longer than `waitMs`. */
async function settled(ctx: Context, twin: Promise<void>, waitMs: number): Promise<void> {
  const own = ctx.child({ timeoutMs: waitMs })
  try {
    await untilCancelled(own, twin)
  } catch {
    // Its outcome is read from the store; that the wait is over is all that counts here.
  }
  own.settle({ ok: true })
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
