import { runPart } from 'trellis/system'
import type { CommandDefinition } from '../command.ts'
import { command } from '../command.ts'
import { dataFolder } from '../data-folder.ts'
import { EXIT } from '../exit-code.ts'
import { loadSystem } from '../load-system.ts'
import { print } from '../terminal.ts'
import { usage, wholeNumber } from '../usage.ts'

/** `trellis start` */
export const start: CommandDefinition = command({
  operands: '[SYSTEM]',
  operandCount: [0, 1],
  about: [
    'For production: one process per service, and one for the gateway, each kept running by what runs the machine (systemd, Kubernetes). The processes find each other through the data folder. At SIGTERM or Ctrl-C one drains: leaves the registry, finishes what it has in hand, hands back the rest, and ends with 0. Programs beside the services (companions) are not started: give the settings that say where they are.',
    'Settings come from the environment: TRELLIS_STORE (postgres://... ; default: SQLite in the data folder), TRELLIS_INSTANCE (tells processes of one service apart that run at once; default 0), TRELLIS_HOST (where services listen; default 127.0.0.1), TRELLIS_PORT (the port of a service that has a process of its own; default: a free one), TRELLIS_ADVERTISE (the address at which others reach this machine; default TRELLIS_HOST), TRELLIS_LOG_LEVEL (debug, info, warn, error), TRELLIS_TRACES=file.',
  ],
  options: {
    service: { type: 'string', value: 'NAME', multiple: true, about: 'a service to run; may be given more than once' },
    gateway: { type: 'boolean', about: 'runs the gateway' },
    port: { type: 'string', value: 'PORT', about: 'where the gateway listens (8080)' },
    host: {
      type: 'string',
      value: 'HOST',
      about: 'the address that the gateway listens on (TRELLIS_HOST, else 127.0.0.1)',
    },
    data: {
      type: 'string',
      value: 'DIR',
      about: 'folder of data and logs (.trellis/NAME, with the name of the system)',
    },
  },
  examples: [
    { line: 'trellis start --service orders --data /var/lib/shop', about: 'the service orders alone' },
    {
      line: 'trellis start --gateway --host 0.0.0.0 --port 80 --data /var/lib/shop',
      about: 'the gateway, for the world',
    },
    {
      line: 'TRELLIS_STORE=postgres://db/shop trellis start --service users',
      about: 'its data on a PostgreSQL server',
    },
  ],
  async run({ values, operands: [file] }) {
    const { service: services = [], gateway = false } = values
    if (services.length === 0 && !gateway) {
      throw usage(
        'trellis start needs to know what to run: --service NAME, --gateway, or both. The whole system: trellis dev.',
      )
    }
    const { system } = await loadSystem(file)
    const unknown = services.find(name => !system.services.some(service => service.name === name))
    if (unknown !== undefined) {
      throw usage(
        `${system.name} has no service "${unknown}"; it has ${system.services.map(({ name }) => name).join(', ')}.`,
      )
    }
    const host = values.host ?? process.env.TRELLIS_HOST ?? '127.0.0.1'
    await runPart({
      system,
      services,
      ...(gateway ? { gateway: { host, port: wholeNumber('port', values.port ?? '8080', 0, 65_535) } } : {}),
      folder: dataFolder(system, values.data),
      environment: process.env,
      ready: ({ addresses, gateway: door }) => {
        if (process.send !== undefined) return // a supervisor has a screen of its own
        for (const [name, address] of addresses) print(`${name} listens at http://${address.host}:${address.port}`)
        if (door !== undefined) print(`gateway listens at http://${door.host}:${door.port}`)
      },
    })
    return EXIT.ok
  },
})
