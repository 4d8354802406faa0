import { Fault, type FaultCode } from '../kernel/fault.ts'
import type { EventFamily } from './events.ts'
import { unknownEventType } from './faults.ts'

/** Version of the schema under which an event's data is stored now: 1, and one more for each upcaster. */
export function schemaVersionOf(family: EventFamily, type: string): number {
  return 1 + (family.upcasters[type]?.length ?? 0)
}

/** Checks the data of a new event and gives its JSON. Bad data is a mistake of the decider: `internal` / `INVALID_EVENT_DATA`. */
export function encodeData(family: EventFamily, type: string, data: unknown): string {
  return JSON.stringify(check(family, type, data, 'internal')) ?? 'null'
}

/** Reads stored data: upcasts it to the present schema and checks it. Unreadable data is `data_loss` / `INVALID_EVENT_DATA`. */
export function decodeData(family: EventFamily, type: string, schemaVersion: number, json: string): unknown {
  const upcasters = family.upcasters[type]
  if (schemaVersion > 1 + (upcasters?.length ?? 0)) throw newerSchema(family, type, schemaVersion)
  let data = parse(family, type, json)
  if (upcasters !== undefined)
    for (let step = schemaVersion - 1; step < upcasters.length; step++) data = upcasters[step]!(data)
  return check(family, type, data, 'data_loss')
}

function check(family: EventFamily, type: string, data: unknown, code: FaultCode): unknown {
  const schema = Object.hasOwn(family.events, type) ? family.events[type] : undefined
  if (schema === undefined) throw unknownEventType(family, type)
  const result = schema['~standard'].validate(data)
  if (result instanceof Promise) {
    throw new TypeError(`The schema of ${family.name} ${type} validates asynchronously; use one that answers at once.`)
  }
  if (result.issues === undefined) return result.value
  const issues = result.issues.map(({ path, message }) => ({ path: pathOf(path), message }))
  const first = issues[0]
  throw new Fault(
    code,
    `The data of ${family.name} ${type} does not fit its schema: ${first?.path || '(root)'}: ${first?.message}.`,
    {
      reason: 'INVALID_EVENT_DATA',
      details: { issues },
    },
  )
}

function pathOf(path: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined): string {
  return (path ?? []).map(part => String(typeof part === 'object' ? part.key : part)).join('.')
}

function parse(family: EventFamily, type: string, json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new Fault(
      'data_loss',
      `The stored data of a ${type} of ${family.name} is not JSON; restore it from a backup.`,
      {
        reason: 'INVALID_EVENT_DATA',
        cause: error,
      },
    )
  }
}

function newerSchema(family: EventFamily, type: string, found: number): Fault {
  return new Fault(
    'internal',
    `A stored ${type} of ${family.name} has schema version ${found}, newer than this code knows; run the newer version of the service.`,
    { reason: 'EVENT_SCHEMA_NEWER' },
  )
}
