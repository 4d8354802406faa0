// One part of the shop as a process, as the supervisor starts it: `FOLDER service NAME` or `FOLDER gateway HOST PORT`.
import { runPart } from 'trellis/system'
import shop from '../system.ts'

const [folder = '', kind, name = '', port = '0'] = process.argv.slice(2)
const own = { system: shop, folder, environment: process.env }
await runPart(
  kind === 'gateway'
    ? { ...own, services: [], gateway: { host: name, port: Number(port) } }
    : { ...own, services: [name] },
)
process.exit(0) // what a part told to stop early has opened ends with the process
