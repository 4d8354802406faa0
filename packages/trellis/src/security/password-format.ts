import { Fault } from '../kernel/fault.ts'

/** What makes guessing expensive (RFC 7914): memory is 128 · N · r bytes, time N · r · p. */
export interface ScryptCost {
  /** A power of two. */
  readonly N: number
  readonly r: number
  readonly p: number
}

/** A stored password hash in its parts. */
export interface PasswordHash {
  readonly cost: ScryptCost
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

const FORM = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w-]{16,128})\$([\w-]{22,128})$/

/** `scrypt$N$r$p$salt$hash`, salt and hash in base64url. */
export function formatPasswordHash({ cost, salt, hash }: PasswordHash): string {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
  return `scrypt$${cost.N}$${cost.r}$${cost.p}$${text(salt)}$${text(hash)}`
}

/** Reads a stored hash. Anything else is `data_loss` / `PASSWORD_HASH_INVALID`; its text is not repeated. */
export function parsePasswordHash(text: string): PasswordHash {
  const match = FORM.exec(text)
  if (match !== null) {
    const [, N, r, p, salt, hash] = match as unknown as [string, string, string, string, string, string]
    const cost = { N: Number(N), r: Number(r), p: Number(p) }
    if (isCost(cost)) return { cost, salt: Buffer.from(salt, 'base64url'), hash: Buffer.from(hash, 'base64url') }
  }
  throw new Fault('data_loss', 'A stored password hash can not be read; have the account set a new password.', {
    reason: 'PASSWORD_HASH_INVALID',
  })
}

/** Whether a cost can be computed here: more than a toy, and not so much that a stored hash could take the machine down (1 GiB, 64 passes). */
export function isCost({ N, r, p }: ScryptCost): boolean {
  const powerOfTwo = Number.isInteger(N) && N >= 1_024 && N <= 1_048_576 && (N & (N - 1)) === 0
  const small = (value: number, most: number): boolean => Number.isInteger(value) && value >= 1 && value <= most
  return powerOfTwo && small(r, 32) && small(p, 64) && 128 * N * r <= 2 ** 30
}
