/**
 * Slows down guessing. Failures are counted per account and per address in a sliding window, in the service's own store, so that neither a crash nor a second process
 * starts the count anew. Keys are stored as hashes: the table tells nobody who tried what.
 */
import { hash } from 'node:crypto'
import { Fault } from '../kernel/fault.ts'
import type { Migration } from '../store/migration.ts'
import type { Sql, Store } from '../store/store.ts'

/** Options of a throttle. */
export interface ThrottleOptions {
  /** Failures in the window after which a key is refused. Default 10. */
  readonly limit?: number
  /** Length of the window, in milliseconds. Default 300,000. */
  readonly windowMs?: number
  /** Failures that are kept in all, the latest. Default 100,000 (about 10 MB). */
  readonly maxEntries?: number
}

/** Counts failures and refuses those who had too many. */
export interface Throttle {
  /**
   * Runs `work` unless one of the keys had too many failures, and counts a failure for each key when it resolves with undefined. Fails with `resource_exhausted` / `TOO_MANY_FAILURES` and a
   * retry hint. Asks before and after: of many attempts at once no more than `limit` learn whether they were right.
   */
  attempt<T>(keys: readonly string[], work: () => Promise<T | undefined>): Promise<T | undefined>
}

const MODULE = 'trellis-throttle'
const MIGRATIONS: readonly Migration[] = [
  {
    name: '001-failures',
    statements: ({ types }) => [
      `create table trellis_failure (id ${types.serial}, bucket ${types.key} not null, at ${types.integer} not null)`,
      'create index trellis_failure_bucket on trellis_failure (bucket, at)',
      'create index trellis_failure_at on trellis_failure (at)',
    ],
  },
]

/**
 * Makes a throttle on a store, with its table.
 *
 * @example
 * const logins = await createThrottle(store)
 * const user = await logins.attempt([`account:${email}`, `address:${networkOf(peer.address)}`], () => checkPassword(email, password))
 */
export async function createThrottle(store: Store, options: ThrottleOptions = {}): Promise<Throttle> {
  const { limit = 10, windowMs = 300_000, maxEntries = 100_000 } = options
  if (!Number.isInteger(limit) || limit < 1) throw new RangeError(`limit is ${limit}; it must be 1 or more.`)
  if (!(windowMs > 0)) throw new RangeError(`windowMs is ${windowMs}; it must be more than 0.`)
  if (!Number.isInteger(maxEntries) || maxEntries < limit) {
    throw new RangeError(`maxEntries is ${maxEntries}; it must be at least the limit, ${limit}.`)
  }
  await store.migrate(MODULE, MIGRATIONS)

  /** Milliseconds until a bucket is free again; 0: it is. */
  const waitMs = async (sql: Sql, bucket: string, now: number): Promise<number> => {
    const nth = await sql.get<{ at: number }>(
      'select at from trellis_failure where bucket = ? and at > ? order by at desc limit 1 offset ?',
      bucket,
      now - windowMs,
      limit - 1,
    )
    return nth === undefined ? 0 : nth.at + windowMs - now
  }
  const longest = async (sql: Sql, buckets: readonly string[], now: number): Promise<number> => {
    let most = 0
    for (const bucket of buckets) most = Math.max(most, await waitMs(sql, bucket, now))
    return most
  }
  const check = async (buckets: readonly string[]): Promise<void> => {
    refuse(await longest(store.reader, buckets, await store.now()))
  }
  const count = async (buckets: readonly string[]): Promise<void> => {
    const wait = await store.transaction(async tx => {
      const most = await longest(tx, buckets, tx.now)
      await tx.run('delete from trellis_failure where at <= ?', tx.now - windowMs)
      for (const bucket of buckets) {
        // A full bucket takes no more: who goes on trying does not lengthen the wait of the account's owner.
        if ((await waitMs(tx, bucket, tx.now)) > 0) continue
        await tx.run('insert into trellis_failure (bucket, at) values (?, ?)', bucket, tx.now)
      }
      const last = await tx.get<{ id: number | null }>('select max(id) as id from trellis_failure')
      await tx.run('delete from trellis_failure where id <= ?', (last?.id ?? 0) - maxEntries)
      return most
    })
    refuse(wait)
  }
  return {
    async attempt(keys, work) {
      const buckets = keys.map(key => hash('sha256', key, 'hex'))
      await check(buckets)
      const result = await work()
      await (result === undefined ? count(buckets) : check(buckets))
      return result
    },
  }
}

function refuse(waitMs: number): void {
  if (waitMs <= 0) return
  const seconds = Math.ceil(waitMs / 1000)
  throw new Fault('resource_exhausted', `Too many failed attempts; try again in ${seconds} seconds.`, {
    reason: 'TOO_MANY_FAILURES',
    retryAfterMs: waitMs,
    // Another try at once would fail as well, and a policy that retries by itself would only keep the caller waiting.
    retryable: false,
  })
}

/** What to count an address by: IPv4 as it is, IPv6 by its first 64 bits, since whoever has one such address has 2^64 of them. */
export function networkOf(address: string): string {
  const text = address.toLowerCase().split('%', 1)[0] as string
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  if (mapped !== null) return mapped[1] as string
  if (!text.includes(':')) return text
  const [head = '', tail] = text.split('::', 2)
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = Math.max(0, 8 - left.length - right.length)
  const groups = tail === undefined ? left : [...left, ...Array.from({ length: missing }, () => '0'), ...right]
  const network = groups.slice(0, 4).map(group => group.replace(/^0+(?=.)/, ''))
  return `${network.join(':')}::/64`
}
