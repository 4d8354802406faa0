/** The faults of disk and network: one place, so that the virtual runtime fails with the same ones as the real. */
import { Fault } from './fault.ts'
import type { Address } from './runtime.ts'

const ADVICE: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'The disk is full; free some space.'],
  ['EDQUOT', 'The quota of this user is used up; free some space.'],
  ['EACCES', 'This user lacks the permission; change the permissions or choose another folder.'],
  ['EPERM', 'This user lacks the permission; change the permissions or choose another folder.'],
  ['EROFS', 'The disk is read-only; choose another folder.'],
  ['ENOENT', 'The folder is not there; make it first.'],
  ['EMFILE', 'Too many files are open; raise the limit (ulimit -n).'],
])

/** What a failed file operation throws: `DISK_FULL` or `DISK_FAILED`, by the error's `code`. */
export function diskFault(error: unknown, path: string): Fault {
  const code = errorCode(error)
  return new Fault('unavailable', `${path}: ${code}. ${ADVICE.get(code) ?? 'Check the path and the disk.'}`, {
    reason: code === 'ENOSPC' || code === 'EDQUOT' ? 'DISK_FULL' : 'DISK_FAILED',
    cause: error,
  })
}

/** What a failed `listen` rejects with: `PORT_IN_USE`, or `LISTEN_FAILED` with what to do. */
export function listenFault(error: unknown, address: Address): Fault {
  const code = errorCode(error)
  if (code === 'EADDRINUSE') {
    return new Fault(
      'failed_precondition',
      `Port ${address.port} is in use; stop what uses it or choose another with --port.`,
      { reason: 'PORT_IN_USE', cause: error },
    )
  }
  const advice =
    code === 'EACCES'
      ? 'This user may not use that port; choose one above 1023.'
      : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
        ? 'This machine does not have that address; choose one of its own.'
        : 'Check the address.'
  return new Fault('unavailable', `Could not listen on ${address.host}:${address.port}: ${code}. ${advice}`, {
    reason: 'LISTEN_FAILED',
    cause: error,
  })
}

/** What a failed `connect` rejects with: `CONNECT_FAILED`. */
export function connectFault(error: unknown, address: Address): Fault {
  return new Fault('unavailable', `Could not connect to ${address.host}:${address.port}; is it running?`, {
    reason: 'CONNECT_FAILED',
    cause: error,
  })
}

/** The `code` of a system error; `UNKNOWN` when it has none. */
export function errorCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'UNKNOWN'
}
