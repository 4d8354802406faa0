import { Fault, isFault } from 'trellis/kernel'
import { sqlError } from 'trellis/store'

/** What node-postgres throws: errors of the server carry SQLSTATE as `code`, errors of the connection a system code or none. */
interface PgError {
  readonly code?: unknown
  readonly message?: string
  readonly schema?: unknown
  readonly severity?: unknown
}

/** Whether running the transaction again can succeed: serialization failures, deadlocks, and what they look like when tables are made concurrently. */
export function isConflict(error: unknown): boolean {
  const { code, schema, message } = error as PgError
  if (code === '40001' || code === '40P01') return true
  // `create table if not exists` by two at once collides in the catalogue.
  if (code === '23505' && schema === 'pg_catalog') return true
  // A prepared `select *` whose table was altered since.
  return code === '0A000' && message?.includes('cached plan') === true
}

/** Whether the connection is gone, so that it must not be used again and nothing is known of what was under way. */
export function isDisconnect(error: unknown): boolean {
  const { code, severity } = error as PgError
  // Class 08: connection exceptions; 57P0x: the server stops, crashed, starts or dropped the database. No severity: not an answer of the server.
  if (typeof code === 'string' && /^(08...|57P0[1-4])$/.test(code)) return true
  return severity === undefined && !isFault(error)
}

/** The fault for what node-postgres threw. `text` is the statement, kept in the cause. */
export function postgresFault(error: unknown, text?: string): Fault {
  if (isFault(error)) return error
  const cause = text === undefined ? error : new Error(`${(error as Error).message} in: ${text}`, { cause: error })
  if (isDisconnect(error))
    return unavailableFault('The database cannot be reached; check that PostgreSQL runs and its address.', cause)
  if (isConflict(error)) return busyFault(cause)
  const code = String((error as PgError).code)
  switch (code) {
    case '23505':
      return new Fault('already_exists', 'A row with the same unique key exists already.', {
        reason: 'UNIQUE_VIOLATION',
        cause,
      })
    case '25006':
      return new Fault('unavailable', 'The database is read-only; connect to the primary server.', {
        reason: 'STORE_READ_ONLY',
        cause,
      })
    case '25P03':
    case '57014':
      return tooLongFault(cause)
    case '53100':
      return new Fault(
        'unavailable',
        'The disk of the database is full; free some space. Nothing of the transaction was kept.',
        {
          reason: 'DISK_FULL',
          cause,
        },
      )
    case '53300':
    case '55P03':
      return busyFault(cause)
    case 'XX001':
    case 'XX002':
      return new Fault('data_loss', 'The database is damaged; stop, keep a copy and restore a backup.', {
        reason: 'STORE_CORRUPT',
        cause,
      })
  }
  if (code.startsWith('23'))
    return new Fault('failed_precondition', 'A row breaks a constraint of its table.', {
      reason: 'CONSTRAINT_VIOLATION',
      cause,
    })
  // Class 28: wrong user or password; 3D000: no such database. Both are settled outside of the program.
  if (code.startsWith('28') || code === '3D000')
    return unavailableFault('The database refuses the connection; check its name, the user and the password.', cause)
  return sqlError('The database refused a statement; the log holds its text and the reason.', cause)
}

/** `unavailable` / `STORE_UNAVAILABLE`. */
export function unavailableFault(message: string, cause?: unknown): Fault {
  return new Fault('unavailable', message, { reason: 'STORE_UNAVAILABLE', cause })
}

/** `unavailable` / `STORE_BUSY`. */
export function busyFault(cause?: unknown): Fault {
  return new Fault('unavailable', 'Too many transactions want the same rows or connections; try again.', {
    reason: 'STORE_BUSY',
    cause,
  })
}

/** `deadline_exceeded` / `TRANSACTION_TOO_LONG`. */
export function tooLongFault(cause?: unknown): Fault {
  return new Fault(
    'deadline_exceeded',
    'A transaction held the database longer than it may and was rolled back. Do slow work before it; never await another transaction inside one.',
    { reason: 'TRANSACTION_TOO_LONG', cause },
  )
}
