import type { Projection } from 'trellis/events'
import { openEventStore } from 'trellis/events'
import { createRuntime } from 'trellis/kernel'
import type { Service } from 'trellis/service'
import type { System } from 'trellis/system'
import { openServiceStore } from 'trellis/system'
import type { CommandDefinition } from '../command.ts'
import { command } from '../command.ts'
import { dataFolder, usedData } from '../data-folder.ts'
import { EXIT } from '../exit-code.ts'
import { loadSystem } from '../load-system.ts'
import { print, printJson } from '../terminal.ts'
import { usage } from '../usage.ts'

/** `trellis rebuild` */
export const rebuild: CommandDefinition = command({
  operands: 'PROJECTION',
  operandCount: [1, 1],
  about: [
    'It is built beside the one that is shown, and takes its place in one step: readers see the old rows or the new ones, never a part. Works on the store of the service, whether the system runs or rests.',
    'PROJECTION is its name, or SERVICE.NAME where two services have one of that name.',
  ],
  options: {
    system: { type: 'string', value: 'SYSTEM', about: 'the file that declares the system (system.ts)' },
    data: { type: 'string', value: 'DIR', about: 'its data folder (.trellis/NAME)' },
    json: { type: 'boolean', about: 'one JSON object: { service, projection, tookMs }' },
  },
  examples: [
    { line: 'trellis rebuild order-list', about: 'builds the projection order-list of the system in system.ts' },
    { line: 'trellis rebuild orders.order-list --system examples/shop/system.ts', about: 'names its service too' },
  ],
  async run({ values, operands: [name = ''] }) {
    const { system } = await loadSystem(values.system)
    const { service, projection } = findProjection(system, name)
    const place = usedData(dataFolder(system, values.data))
    const runtime = createRuntime()
    const started = performance.now()
    await using store = await openServiceStore(runtime, place, service.name)
    await using events = await openEventStore(runtime, { store, projections: [projection] })
    await events.rebuild(projection.name)
    const tookMs = Math.round(performance.now() - started)
    if (values.json === true) printJson({ service: service.name, projection: projection.name, tookMs })
    else print(`${service.name}.${projection.name} is built anew, in ${tookMs} ms.`)
    return EXIT.ok
  },
})

interface Found {
  readonly service: Service
  readonly projection: Projection
}

function findProjection(system: System, text: string): Found {
  const all = system.services.flatMap(service =>
    service.projections.map((projection): Found => ({ service, projection })),
  )
  const fullName = ({ service, projection }: Found): string => `${service.name}.${projection.name}`
  const found = all.filter(one => text === one.projection.name || text === fullName(one))
  const [only, second] = found
  if (second !== undefined) throw usage(`"${text}" may be ${found.map(fullName).join(' or ')}; write it in full.`)
  if (only !== undefined) return only
  const known = all.map(fullName).join(', ')
  throw usage(
    `${system.name} has no projection "${text}"; ${known === '' ? 'its services have none' : `it has ${known}`}.`,
  )
}
