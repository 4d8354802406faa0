import { dirname } from 'node:path'
import { Fault } from '../kernel/fault.ts'
import type { Runtime } from '../kernel/runtime.ts'
import type { SigningKey } from './signing-key.ts'

/** Keeps signing keys; the caller decides where: a table of its own store, a file, a vault. What it holds is secret. */
export interface KeyStorage {
  load(): Promise<readonly SigningKey[]>
  /** Replaces the keys by what `change` makes of them, in one step, and returns what is then kept. `change` is pure and may run more than once. */
  update(change: (keys: readonly SigningKey[]) => readonly SigningKey[]): Promise<readonly SigningKey[]>
}

/** Keys that are forgotten when the process ends. For tests. */
export function memoryKeys(): KeyStorage {
  let kept: readonly SigningKey[] = []
  return {
    load: async () => kept,
    update: async change => {
      kept = change(kept)
      return kept
    },
  }
}

/** Keys in a file that its owner alone can read (mode 0600). One process updates, one step at a time; others may load whenever they want. */
export function fileKeys(runtime: Runtime, path: string): KeyStorage {
  const load = async (): Promise<readonly SigningKey[]> => {
    const bytes = await runtime.fs.read(path)
    if (bytes === undefined) return []
    try {
      const { keys } = JSON.parse(new TextDecoder().decode(bytes)) as { keys: readonly SigningKey[] }
      if (keys.every(key => typeof key.kid === 'string' && typeof key.privateJwk.d === 'string')) return keys
    } catch {
      // Not JSON, or not of this shape: said below, without the contents.
    }
    throw new Fault(
      'failed_precondition',
      `${path} does not hold signing keys; restore it or remove it, which ends all sessions.`,
      {
        reason: 'KEY_FILE_INVALID',
      },
    )
  }
  const replace = async (change: Parameters<KeyStorage['update']>[0]): Promise<readonly SigningKey[]> => {
    const keys = change(await load())
    await runtime.fs.makeFolder(dirname(path))
    await runtime.fs.write(path, JSON.stringify({ keys }), { mode: 0o600 })
    return keys
  }
  let last: Promise<unknown> = Promise.resolve()
  return {
    load,
    update(change) {
      // One after the other: two first keys made side by side would each be unknown to whoever has the other.
      const updated = last.then(() => replace(change))
      last = updated.catch(() => undefined)
      return updated
    },
  }
}
