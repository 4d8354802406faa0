/** The rows of idempotency keys. One row is one key of one subject for one operation on one path. */
import type { Migration } from '../store/migration.ts'
import type { Transaction } from '../store/store.ts'

/** Name of the module for `store.migrate`. */
export const IDEMPOTENCY_MODULE = 'idempotency'

/** The tables of idempotency keys. */
export const IDEMPOTENCY_MIGRATIONS: readonly Migration[] = [
  {
    name: '001-keys',
    statements: ({ types }) => [
      `create table idempotency_key (
        scope ${types.key} primary key,
        body_hash ${types.key} not null,
        owner ${types.key} not null,
        incarnation ${types.key} not null,
        lease_until ${types.integer} not null,
        committed ${types.text},
        answer ${types.text},
        expires_at ${types.integer} not null
      )`,
      'create index idempotency_key_expiry on idempotency_key (expires_at)',
      'create index idempotency_key_owner on idempotency_key (owner)',
    ],
  },
]

/** Who holds a claim: a name that survives restarts, and one that does not. */
export interface Owner {
  readonly name: string
  readonly incarnation: string
}

/** What a claim met. */
export type Claim =
  /** The key is ours. `committed`: the transaction of an earlier run, whose end is unknown, was committed with this value. */
  | { readonly kind: 'claimed'; readonly committed: string | undefined }
  | { readonly kind: 'answered'; readonly answer: string }
  | { readonly kind: 'running' }
  | { readonly kind: 'reused' }

interface Row {
  readonly body_hash: string
  readonly incarnation: string
  readonly lease_until: number
  readonly committed: string | null
  readonly answer: string | null
  readonly expires_at: number
}

/** A key that is to be claimed. */
export interface ClaimRequest {
  readonly scope: string
  readonly bodyHash: string
  readonly claimant: Owner
  readonly leaseMs: number
  readonly keepMs: number
}

/** Claims a key, or says why not. */
export async function claim(tx: Transaction, request: ClaimRequest): Promise<Claim> {
  const { scope, bodyHash, claimant } = request
  const leaseUntil = tx.now + request.leaseMs
  const expiresAt = tx.now + request.keepMs
  const columns = ['scope', 'body_hash', 'owner', 'incarnation', 'lease_until', 'expires_at']
  const values = [scope, bodyHash, claimant.name, claimant.incarnation, leaseUntil, expiresAt]
  const inserted = await tx.run(tx.dialect.insertOrIgnore('idempotency_key', columns), ...values)
  if (inserted > 0) return { kind: 'claimed', committed: undefined }
  const row = await tx.get<Row>(
    `select body_hash, incarnation, lease_until, committed, answer, expires_at from idempotency_key where scope = ? ${tx.dialect.forUpdate}`,
    scope,
  )
  if (row === undefined || row.expires_at <= tx.now) {
    await tx.run('delete from idempotency_key where scope = ?', scope)
    await tx.run(tx.dialect.insertOrIgnore('idempotency_key', columns), ...values)
    return { kind: 'claimed', committed: undefined }
  }
  if (row.body_hash !== bodyHash) return { kind: 'reused' }
  if (row.answer !== null) return { kind: 'answered', answer: row.answer }
  if (row.lease_until > tx.now) return { kind: 'running' }
  await tx.run(
    'update idempotency_key set owner = ?, incarnation = ?, lease_until = ? where scope = ?',
    claimant.name,
    claimant.incarnation,
    leaseUntil,
    scope,
  )
  return { kind: 'claimed', committed: row.committed ?? undefined }
}

/** Keeps the value of the handler's transaction; whether the claim was still ours. A claim is held by one run: `incarnation` names the run. */
export async function keepCommitted(
  tx: Transaction,
  scope: string,
  incarnation: string,
  value: string,
): Promise<boolean> {
  const changed = await tx.run(
    'update idempotency_key set committed = ? where scope = ? and incarnation = ? and answer is null',
    value,
    scope,
    incarnation,
  )
  return changed > 0
}

/** Keeps the answer. Does nothing when the claim is not ours any more. */
export async function keepAnswer(
  tx: Transaction,
  scope: string,
  incarnation: string,
  answer: string,
  keepMs: number,
): Promise<void> {
  await tx.run(
    'update idempotency_key set answer = ?, committed = null, lease_until = 0, expires_at = ? where scope = ? and incarnation = ? and answer is null',
    answer,
    tx.now + keepMs,
    scope,
    incarnation,
  )
}

/** Gives a claim up, so that the next one may run at once. What was committed stays. */
export async function release(tx: Transaction, scope: string, incarnation: string): Promise<void> {
  await tx.run(
    'delete from idempotency_key where scope = ? and incarnation = ? and committed is null and answer is null',
    scope,
    incarnation,
  )
  await tx.run(
    'update idempotency_key set lease_until = 0 where scope = ? and incarnation = ? and answer is null',
    scope,
    incarnation,
  )
}

/** Frees the claims of earlier lives of an owner. */
export async function freeDeadClaims(tx: Transaction, owner: string): Promise<void> {
  await tx.run('update idempotency_key set lease_until = 0 where owner = ? and answer is null', owner)
}

/** Removes up to `limit` keys whose time is over; how many. */
export function sweep(tx: Transaction, limit: number): Promise<number> {
  return tx.run(
    'delete from idempotency_key where scope in (select scope from idempotency_key where expires_at <= ? order by expires_at limit ?)',
    tx.now,
    limit,
  )
}
