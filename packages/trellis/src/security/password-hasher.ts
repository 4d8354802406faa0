import { timingSafeEqual } from 'node:crypto'
import type { Context } from '../kernel/context.ts'
import { Fault } from '../kernel/fault.ts'
import type { Runtime } from '../kernel/runtime.ts'
import { formatPasswordHash, isCost, type PasswordHash, parsePasswordHash, type ScryptCost } from './password-format.ts'
import { PasswordWorkers } from './password-workers.ts'

/** Options of password hashing. */
export interface PasswordHasherOptions {
  /**
   * Default N = 2^15, r = 8, p = 3: one of the settings that OWASP's Password Storage Cheat Sheet names as its minimum, the one with 32 MiB per hash in work; about
   * 0.2 s of a core. A service with less to spare names its own.
   */
  readonly cost?: ScryptCost
  /** Hashes computed at a time, each in a thread of its own. Default 2, and no more than 2: passwords must leave the machine to the rest. */
  readonly concurrency?: 1 | 2
  /** Requests that wait; beyond, `resource_exhausted`. Default 64: some seconds of work, after which nobody waits any more. */
  readonly queue?: number
  /** How long an idle thread is kept, in milliseconds. Default 60,000. A thread costs 10 MB. */
  readonly idleMs?: number
}

/** What checking a password told. */
export interface PasswordCheck {
  readonly ok: boolean
  /** The password is right and its hash is weaker than what is made today: hash it anew and store that. */
  readonly rehash: boolean
}

/** Hashes and checks passwords, off the threads that serve. */
export interface PasswordHasher extends AsyncDisposable {
  /** `scrypt$N$r$p$salt$hash`, to be stored. A password has at most 1,024 characters; how many at least is the caller's rule. */
  hash(password: string, ctx?: Context): Promise<string>
  /** Checks a password. Without a stored hash, since there is no such user, it takes the same time and says no. */
  verify(password: string, stored: string | undefined, ctx?: Context): Promise<PasswordCheck>
}

const DEFAULT_COST: ScryptCost = { N: 32_768, r: 8, p: 3 }
const SALT_BYTES = 16
const HASH_BYTES = 32
const MAX_LENGTH = 1_024

/** Makes a hasher. Its threads start with the first password and end after a minute without one. */
export function createPasswordHasher(runtime: Runtime, options: PasswordHasherOptions = {}): PasswordHasher {
  const { cost = DEFAULT_COST, concurrency = 2, queue = 64, idleMs = 60_000 } = options
  if (!isCost(cost)) {
    throw new RangeError(
      `cost is ${JSON.stringify(cost)}; N is a power of two from 1,024 to 1,048,576, r up to 32, p up to 64, 128·N·r at most 1 GiB.`,
    )
  }
  if (concurrency !== 1 && concurrency !== 2) throw new RangeError(`concurrency is ${concurrency}; it must be 1 or 2.`)
  if (!Number.isInteger(queue) || queue < 0) throw new RangeError(`queue is ${queue}; it must be 0 or more.`)
  const workers = new PasswordWorkers(runtime, { concurrency, queue, idleMs })
  const unknown: PasswordHash = { cost, salt: new Uint8Array(SALT_BYTES), hash: new Uint8Array(HASH_BYTES) }
  return {
    async hash(password, ctx) {
      if (password.length > MAX_LENGTH) throw tooLong()
      const salt = runtime.random.bytes(SALT_BYTES)
      const request = { password: prepare(password), salt, cost, length: HASH_BYTES }
      return formatPasswordHash({ cost, salt, hash: await workers.hash(request, ctx) })
    },
    async verify(password, stored, ctx) {
      const possible = stored !== undefined && password.length <= MAX_LENGTH
      const expected = possible ? parsePasswordHash(stored) : unknown
      const request = {
        password: prepare(password.slice(0, MAX_LENGTH)),
        salt: expected.salt,
        cost: expected.cost,
        length: expected.hash.length,
      }
      const same = timingSafeEqual(await workers.hash(request, ctx), expected.hash)
      const ok = possible && same
      return { ok, rehash: ok && isWeaker(expected.cost, cost) }
    },
    [Symbol.asyncDispose]: () => workers[Symbol.asyncDispose](),
  }
}

/** One person's keyboard composes an accented letter that another's sends in two parts (NIST SP 800-63B, section 3.1.1.2). */
function prepare(password: string): string {
  return password.normalize('NFKC')
}

function isWeaker(stored: ScryptCost, current: ScryptCost): boolean {
  return (
    stored.N * stored.r * stored.p < current.N * current.r * current.p || stored.N * stored.r < current.N * current.r
  )
}

function tooLong(): Fault {
  return new Fault('invalid_argument', `A password has at most ${MAX_LENGTH} characters.`, {
    reason: 'PASSWORD_TOO_LONG',
  })
}
