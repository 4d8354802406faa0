import { Fault, isFault } from '../../kernel/index.ts'
import { sqlError } from '../sql.ts'

/** Primary result codes of SQLite (sqlite.org/rescode.html) that are told apart. */
const BUSY = 5
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const FULL = 13
const CANTOPEN = 14
const PROTOCOL = 15
const CONSTRAINT = 19
const NOTADB = 26
const CONSTRAINT_PRIMARYKEY = 1555
const CONSTRAINT_UNIQUE = 2067
const CONSTRAINT_ROWID = 2579

/** Whether another connection holds the lock, so that trying again later makes sense. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error) & 0xff
  return code === BUSY || code === PROTOCOL
}

/** The fault for what node:sqlite threw. `text` is the statement, kept in the cause. */
export function sqliteFault(error: unknown, path: string, text?: string): Fault {
  if (isFault(error)) return error
  const cause = text === undefined ? error : new Error(`${(error as Error).message} in: ${text}`, { cause: error })
  const extended = resultCode(error)
  switch (extended & 0xff) {
    case BUSY:
    case PROTOCOL:
      return busyFault(path, cause)
    case READONLY:
      return new Fault(
        'unavailable',
        `${path} cannot be written; check the permissions of the file and its folder, and whether the disk is mounted read-only.`,
        { reason: 'STORE_READ_ONLY', cause },
      )
    case FULL:
      return new Fault(
        'unavailable',
        `The disk of ${path} is full; free some space. Nothing of the transaction was kept.`,
        {
          reason: 'DISK_FULL',
          cause,
        },
      )
    case IOERR:
      return new Fault('unavailable', `The disk of ${path} failed; check it. Nothing of the transaction was kept.`, {
        reason: 'STORE_UNAVAILABLE',
        cause,
      })
    case CANTOPEN:
      return new Fault('unavailable', `${path} cannot be opened; check that the folder is there and may be written.`, {
        reason: 'STORE_UNAVAILABLE',
        cause,
      })
    case CORRUPT:
    case NOTADB:
      return new Fault(
        'data_loss',
        `${path} is damaged or not a SQLite database; stop, keep a copy of the file and restore a backup.`,
        { reason: 'STORE_CORRUPT', cause },
      )
    case CONSTRAINT:
      if (extended === CONSTRAINT_UNIQUE || extended === CONSTRAINT_PRIMARYKEY || extended === CONSTRAINT_ROWID)
        return new Fault('already_exists', 'A row with the same unique key exists already.', {
          reason: 'UNIQUE_VIOLATION',
          cause,
        })
      return new Fault('failed_precondition', 'A row breaks a constraint of its table.', {
        reason: 'CONSTRAINT_VIOLATION',
        cause,
      })
    default:
      return sqlError('The database refused a statement; the log holds its text and the reason.', cause)
  }
}

/** `unavailable` / `STORE_BUSY`. */
export function busyFault(path: string, cause?: unknown): Fault {
  return new Fault('unavailable', `${path} is held by another process; try again, or look for a process that hangs.`, {
    reason: 'STORE_BUSY',
    cause,
  })
}

/** `unavailable` / `STORE_UNAVAILABLE`: closed, or being reopened. */
export function unavailableFault(path: string, why: string, cause?: unknown): Fault {
  return new Fault('unavailable', `${path} ${why}`, { reason: 'STORE_UNAVAILABLE', cause })
}

function resultCode(error: unknown): number {
  const code = (error as { readonly errcode?: unknown }).errcode
  return typeof code === 'number' ? code : 0
}
