/** The thread that copies the log into the database file: the flushes of a checkpoint take tens of milliseconds, and would stop the event loop. */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { CheckpointReply, CheckpointRequest } from './checkpoint.ts'

/** How long it may wait for writers and readers before it leaves the rest for the next time, milliseconds. */
const LOCK_MS = 250

const database = new DatabaseSync(workerData as string, { timeout: LOCK_MS })
// The log must be flushed before its pages are copied: `off` would leave that out.
database.exec('pragma synchronous = normal; pragma wal_autocheckpoint = 0; pragma cache_size = 50')

parentPort?.on('message', (request: CheckpointRequest) => {
  if (request === 'close') {
    database.close()
    parentPort?.close()
    return
  }
  parentPort?.postMessage(run(request))
})

function run(mode: 'passive' | 'restart'): CheckpointReply {
  try {
    const row = database.prepare(`pragma wal_checkpoint(${mode})`).get() as { log: number; checkpointed: number }
    return { log: row.log, checkpointed: row.checkpointed }
  } catch (error) {
    return { error: (error as Error).message }
  }
}
