/**
 * The thread that hashes. It computes synchronously: the asynchronous scrypt would take the pool of threads that flush files and resolve names, in whichever
 * thread it was started. On Linux, where niceness belongs to a thread, it steps back behind everything that serves.
 */
import { scryptSync } from 'node:crypto'
import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import type { ScryptCost } from './password-format.ts'

/** What the thread is asked. */
export interface HashRequest {
  readonly password: string
  readonly salt: Uint8Array
  readonly cost: ScryptCost
  readonly length: number
}

/** What it answers. */
export type HashReply = { readonly hash: Uint8Array } | { readonly error: string }

if (process.platform === 'linux') setPriority(10)

parentPort?.on('message', ({ password, salt, cost, length }: HashRequest) => {
  let reply: HashReply
  try {
    const maxmem = 128 * cost.N * cost.r + 128 * cost.r * cost.p + 2 ** 20
    reply = { hash: scryptSync(password, salt, length, { ...cost, maxmem }) }
  } catch (error) {
    reply = { error: String(error) }
  }
  parentPort?.postMessage(reply)
})
