// `npm run test:chaos -- [--orders 2100] [--kills 60] [--seed N] [--victim parts|whole|supervisor] [--verbose]`: the shop under kill -9, then its invariants as a table.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Victim } from './testing/chaos-run.ts'
import { chaosRun } from './testing/chaos-run.ts'
import { allHold, invariantsTable } from './testing/invariants-table.ts'

const { values } = parseArgs({
  options: {
    // Some are never answered and never made: 2,000 are to be there in the end.
    orders: { type: 'string', default: '2100' },
    kills: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    victim: { type: 'string', default: 'parts' },
    verbose: { type: 'boolean', default: false },
  },
})
const [orders, kills, seed] = [Number(values.orders), Number(values.kills), Number(values.seed)]
console.log(`${orders} orders, ${kills} kills, seed ${seed}`)
const folder = await mkdtemp(join(tmpdir(), 'trellis-chaos-'))
const started = performance.now()
const {
  findings,
  record,
  kills: killed,
} = await chaosRun({
  orders,
  kills,
  seed,
  victim: values.victim as Victim,
  folder,
  logLevel: values.verbose ? 'info' : 'error',
  log: line => console.log(line),
})
const seconds = ((performance.now() - started) / 1_000).toFixed(0)
const sum = (outcome: 'accepted' | 'refused' | 'unanswered'): number =>
  record.wishes.filter(wish => wish.outcome === outcome).length
console.log(
  `\nkilled: ${Object.entries(killed)
    .map(([name, times]) => `${name} ${times}`)
    .join(', ')}`,
)
console.log(`requests: ${sum('accepted')} accepted, ${sum('refused')} refused, ${sum('unanswered')} unanswered`)
console.log(`\n${invariantsTable(findings)}\n\nseed ${seed}, ${seconds} s`)
if (allHold(findings)) await rm(folder, { recursive: true })
else {
  console.log(`The data and logs of this run are in ${folder}; --seed ${seed} makes its choices again.`)
  process.exitCode = 1
}
