/**
 * What can be known of a system without running it. A finding is an error when the system can't keep its promises, a warning when something is probably
 * forgotten.
 */
import type { Operation, Publishable } from '../contract/index.ts'
import type { Service } from '../service/index.ts'
import type { System } from './system.ts'
import { exposedContracts } from './system.ts'

/** Something that a check found. */
export interface Finding {
  readonly level: 'error' | 'warning'
  /** Stable, UPPER_SNAKE. */
  readonly rule:
    | 'TWO_OWNERS'
    | 'TWO_PROVIDERS'
    | 'UNKNOWN_CONTRACT'
    | 'CALL_CYCLE'
    | 'UNPUBLISHED_EVENT'
    | 'UNHANDLED_MESSAGE'
    | 'ROUTE_WITHOUT_ALLOW'
    | 'UNKNOWN_ROUTE'
    | 'SAME_ROUTE'
    | 'UNCONSUMED_EVENT'
    | 'TOPIC_KIND'
  /** What is wrong, and what to do. */
  readonly message: string
}

/** Checks a system's architecture. No finding: nothing to say. Errors first. */
export function checkSystem(system: System): readonly Finding[] {
  const findings = [
    ...checkOwners(system.services),
    ...checkProviders(system.services),
    ...checkUses(system.services),
    ...checkCycles(system.services),
    ...checkTopics(system.services),
    ...checkRoutes(system),
  ]
  return [...findings.filter(({ level }) => level === 'error'), ...findings.filter(({ level }) => level === 'warning')]
}

function checkOwners(services: readonly Service[]): Finding[] {
  const owners = groupBy(services.flatMap(service => service.owns.map(datum => [datum, service.name] as const)))
  return [...owners].flatMap(([datum, names]) =>
    names.length < 2
      ? []
      : [error('TWO_OWNERS', `${list(names)} both own "${datum}"; let one own it and the other ask or listen.`)],
  )
}

function checkProviders(services: readonly Service[]): Finding[] {
  const providers = groupBy(
    services.flatMap(service => service.provides.map(({ contract }) => [contract.name, service] as const)),
  )
  return [...providers].flatMap(([contract, by]) => {
    if (by.length > 1) {
      return [
        error('TWO_PROVIDERS', `${contract} is provided by ${list(by.map(service => service.name))}; leave it to one.`),
      ]
    }
    const [service] = by as [Service]
    const declared = service.provides.find(provided => provided.contract.name === contract)?.contract.service
    return declared === service.name
      ? []
      : [
          error(
            'UNKNOWN_CONTRACT',
            `${contract} says that the service "${declared}" provides it, but "${service.name}" does; pass { service: '${service.name}' } to contract().`,
          ),
        ]
  })
}

function checkUses(services: readonly Service[]): Finding[] {
  const provided = new Set(services.flatMap(service => service.provides.map(({ contract }) => contract.name)))
  return services.flatMap(service =>
    service.uses
      .filter(contract => !provided.has(contract.name))
      .map(contract =>
        error(
          'UNKNOWN_CONTRACT',
          `${service.name} uses ${contract.name}, which no service of the system provides; add the service or drop the use.`,
        ),
      ),
  )
}

/** A cycle of calls can't be started in any order, and one slow member stops them all. */
function checkCycles(services: readonly Service[]): Finding[] {
  const providerOf = new Map(
    services.flatMap(service => service.provides.map(({ contract }) => [contract.name, service.name] as const)),
  )
  const calls = new Map(
    services.map(service => [
      service.name,
      [...new Set(service.uses.flatMap(({ name }) => providerOf.get(name) ?? []))],
    ]),
  )
  const findings: Finding[] = []
  const done = new Set<string>()
  const visit = (name: string, path: readonly string[]): void => {
    const start = path.indexOf(name)
    if (start >= 0) {
      const cycle = [...path.slice(start), name].join(' → ')
      findings.push(error('CALL_CYCLE', `${cycle} call each other in a circle; turn one of the calls into an event.`))
      return
    }
    if (done.has(name)) return
    for (const next of calls.get(name) ?? []) visit(next, [...path, name])
    done.add(name)
  }
  for (const service of services) visit(service.name, [])
  return findings
}

function checkTopics(services: readonly Service[]): Finding[] {
  const published = new Map(services.flatMap(service => service.publishes.map(type => [type.name, type] as const)))
  const consumed = groupBy(
    services.flatMap(service => service.consumes.map(({ type }) => [type.name, { type, service }] as const)),
  )
  const findings: Finding[] = []
  for (const [name, consumers] of consumed) {
    const publisher = published.get(name)
    const names = list(consumers.map(({ service }) => service.name))
    if (publisher === undefined) {
      findings.push(
        error(
          'UNPUBLISHED_EVENT',
          `${names} waits for ${name}, which nobody publishes; list it in the publisher's \`publishes\`.`,
        ),
      )
    } else if (consumers.some(({ type }) => type.kind !== publisher.kind)) {
      findings.push(
        error(
          'TOPIC_KIND',
          `${name} is published as ${publisher.kind} and consumed as another; share one declaration.`,
        ),
      )
    } else if (publisher.kind === 'message' && consumers.length > 1) {
      findings.push(
        error(
          'TWO_OWNERS',
          `${names} all handle the message ${name}, which one handler gets; make it an event, or keep one handler.`,
        ),
      )
    }
  }
  for (const [name, type] of published) if (!consumed.has(name)) findings.push(...unconsumed(type))
  return findings
}

function unconsumed(type: Publishable): Finding[] {
  if (type.kind === 'message') {
    return [
      error('UNHANDLED_MESSAGE', `${type.name} is sent to nobody; a message needs a handler (\`on\`) in one service.`),
    ]
  }
  if (type.external) return []
  return [
    {
      level: 'warning',
      rule: 'UNCONSUMED_EVENT',
      message: `${type.name} is published and nobody consumes it; drop it, or mark it { external: true }.`,
    },
  ]
}

function checkRoutes(system: System): Finding[] {
  const provided = new Set(system.services.flatMap(service => service.provides.map(({ contract }) => contract.name)))
  const findings: Finding[] = []
  const routes = new Map<string, string>()
  for (const { contract, operations } of exposedContracts(system)) {
    if (!provided.has(contract.name)) {
      findings.push(
        error(
          'UNKNOWN_ROUTE',
          `The gateway exposes ${contract.name}, which no service provides; add the service or drop the route.`,
        ),
      )
    }
    for (const name of operations) {
      const operation = contract.operations[name] as Operation | undefined
      if (operation?.http === undefined) continue
      const place = `${contract.name}/${name}`
      if (operation.allow === undefined) {
        findings.push(
          error('ROUTE_WITHOUT_ALLOW', `${place} (${operation.http}) does not say who may call it; give it \`allow\`.`),
        )
      }
      const shape = operation.http.replace(/\{[^}]*\}/g, '{}')
      const other = routes.get(shape)
      if (other !== undefined)
        findings.push(error('SAME_ROUTE', `${other} and ${place} both answer ${operation.http}; change one.`))
      routes.set(shape, place)
    }
  }
  return findings
}

function error(rule: Finding['rule'], message: string): Finding {
  return { level: 'error', rule, message }
}

function groupBy<T>(pairs: readonly (readonly [string, T])[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const [key, value] of pairs) groups.set(key, [...(groups.get(key) ?? []), value])
  return groups
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
