import { Fault } from '../kernel/fault.ts'
import type { EventFamily } from './events.ts'

/** Somebody else appended first, or the caller's version is not the latest. `raced`: the same transaction may succeed when it runs again. */
export function versionConflict(family: EventFamily, id: string, expected: number, actual: number | undefined): Fault {
  const raced = actual === undefined
  const message = raced
    ? `The ${family.name} ${id} was changed at the same time; do it again on its new state.`
    : `The ${family.name} ${id} is at version ${actual}, not ${expected}; read it again and decide anew.`
  return new Fault('aborted', message, {
    reason: 'VERSION_CONFLICT',
    details: { aggregate: family.name, aggregateId: id, expectedVersion: expected, actualVersion: actual },
    retryable: raced,
  })
}

/** There is no aggregate of this id. */
export function unknownAggregate(family: EventFamily, id: string): Fault {
  return new Fault('not_found', `There is no ${family.name} with the id ${id}; check the id.`, {
    reason: 'UNKNOWN_AGGREGATE',
    details: { aggregate: family.name, aggregateId: id },
  })
}

/** An event that can't begin an aggregate would have been its first. */
export function impossibleFirstEvent(family: EventFamily, id: string, type: string): Fault {
  return new Fault(
    'failed_precondition',
    `${type} can't be the first event of ${family.name} ${id}; it begins with ${family.starts.join(' or ')}.`,
    { reason: 'IMPOSSIBLE_FIRST_EVENT', details: { aggregate: family.name, aggregateId: id, type } },
  )
}

/** A version that no aggregate can have. */
export function illegalVersion(version: number): Fault {
  return new Fault('invalid_argument', `The version is ${version}; versions are whole numbers from 0 on.`, {
    reason: 'ILLEGAL_VERSION',
  })
}

/** The code has no schema for an event. */
export function unknownEventType(family: EventFamily, type: string): Fault {
  return new Fault(
    'internal',
    `${family.name} has no event ${type}; declare it in events, or run the version of the service that knows it.`,
    { reason: 'UNKNOWN_EVENT_TYPE' },
  )
}

/** The stored events of an aggregate are not 1, 2, 3, …. */
export function brokenStream(family: EventFamily, id: string, expected: number, found: number): Fault {
  return new Fault(
    'data_loss',
    `The events of ${family.name} ${id} have version ${found} where ${expected} belongs; restore them from a backup.`,
    { reason: 'EVENT_STREAM_BROKEN' },
  )
}
