import type { SigningKey } from './signing-key.ts'

/** When keys come and go. All in milliseconds. */
export interface Rotation {
  /** Age of the newest key at which another is made. */
  readonly everyMs: number
  /** How long a new key is published before it signs, so that verifiers know it when the first token comes. */
  readonly aheadMs: number
  /** How long a key stays published after its successor began to sign: at least as long as a token lives. */
  readonly keepMs: number
}

/** Whether `rotated` would change anything. */
export function rotationDue(keys: readonly SigningKey[], nowMs: number, rotation: Rotation): boolean {
  const newest = byAge(keys).at(-1)
  if (newest === undefined || nowMs - newest.createdAt >= rotation.everyMs) return true
  return byAge(keys).some((_key, index, all) => isOver(all, index, nowMs, rotation))
}

/** The keys, oldest first, with `candidate` added when another is due and without those that no valid token can name any more. Pure, so that a transaction may run it twice. */
export function rotated(
  keys: readonly SigningKey[],
  candidate: SigningKey,
  nowMs: number,
  rotation: Rotation,
): readonly SigningKey[] {
  const ordered = byAge(keys)
  const newest = ordered.at(-1)
  const kept = ordered.filter((_key, index) => !isOver(ordered, index, nowMs, rotation))
  return newest === undefined || nowMs - newest.createdAt >= rotation.everyMs ? [...kept, candidate] : kept
}

/** The key that signs now: the newest that was published long enough, else the oldest, which everybody knows. */
export function signerOf(keys: readonly SigningKey[], nowMs: number, rotation: Rotation): SigningKey | undefined {
  const ordered = byAge(keys)
  return ordered.findLast(key => nowMs - key.createdAt >= rotation.aheadMs) ?? ordered[0]
}

function isOver(ordered: readonly SigningKey[], index: number, nowMs: number, rotation: Rotation): boolean {
  const successor = ordered[index + 1]
  return successor !== undefined && nowMs >= successor.createdAt + rotation.aheadMs + rotation.keepMs
}

function byAge(keys: readonly SigningKey[]): SigningKey[] {
  return keys.toSorted((left, right) => left.createdAt - right.createdAt)
}
