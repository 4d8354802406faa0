// One part of the shop as a process, as the supervisor starts it: `FOLDER service NAME` or `FOLDER gateway HOST PORT`. A file `NAME.down` in the folder
// keeps it down, see start-shop.ts.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const [folder = '', kind, name = '', port = '0'] = process.argv.slice(2)

const leave = (): never => process.exit(0)
process.once('disconnect', leave)
while (existsSync(join(folder, `${kind === 'gateway' ? kind : name}.down`))) await sleep(20)
process.off('disconnect', leave)

const { runPart } = await import('trellis/system')
const { default: system } = await import('../system.ts')
const own = { system, folder, environment: process.env }
await runPart(
  kind === 'gateway'
    ? { ...own, services: [], gateway: { host: name, port: Number(port) } }
    : { ...own, services: [name] },
)
leave() // what a part told to stop early has opened ends with the process
