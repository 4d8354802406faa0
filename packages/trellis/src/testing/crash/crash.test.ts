/**
 * Kills a process at every place between two durable steps (`CRASH_POINTS`), once with a restart after it and once with a peer that lives through it, and shows that
 * nothing is lost, no effect is doubled and the order of every key is kept.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { createRuntime } from '../../kernel/index.ts'
import { CRASH_POINTS, type CrashPoint } from '../../messaging/index.ts'
import { openSqlite } from '../../store/sqlite/index.ts'
import { kindOf, THINGS } from './plan.ts'

/** Places that are reached once or twice are hit the first time; the others later, when more is under way. */
const FIRST: ReadonlySet<CrashPoint> = new Set<CrashPoint>([
  'relay.set-aside-in-transaction',
  'broker.lease-in-transaction',
  'broker.leased',
  'broker.redrive-in-transaction',
  'broker.trim-in-transaction',
  'broker.delayed-in-transaction',
  'broker.delayed-moved',
  'broker.retry-due',
  'timers.moved-in-transaction',
  'timers.moved',
])

interface Outcome {
  readonly lost: number[]
  readonly doubled: number[]
  readonly disordered: string[]
  readonly setAside: number
}

const table: string[] = []
/** A hundred processes run the same code: compiled once. */
const compiled = await mkdtemp(join(tmpdir(), 'trellis-crash-compiled-'))

for (const mode of ['restart', 'peer'] as const) {
  describe(`killed, then ${mode === 'restart' ? 'started again' : 'survived by a peer'}`, { concurrency: 2 }, () => {
    for (const point of CRASH_POINTS) {
      test(`at ${point}`, { timeout: 60_000 }, async () => {
        const folder = await mkdtemp(join(tmpdir(), 'trellis-crash-'))
        try {
          const outcome = mode === 'restart' ? await restarted(folder, point) : await survived(folder, point)
          const { lost, doubled, disordered, setAside } = outcome
          table.push(
            `${mode.padEnd(8)} ${point.padEnd(34)} lost ${lost.length}  doubled ${doubled.length}  out of order ${disordered.length}  set aside ${setAside}`,
          )
          assert.deepEqual(outcome, { lost: [], doubled: [], disordered: [], setAside: poisons() })
        } finally {
          await rm(folder, { recursive: true })
        }
      })
    }
  })
}

after(async () => {
  console.log(table.join('\n'))
  await rm(compiled, { recursive: true })
})

async function restarted(folder: string, point: CrashPoint): Promise<Outcome> {
  assert.equal(await run(folder, 'only', point, hitOf(point)), 'SIGKILL', `${point} was never reached`)
  assert.equal(await run(folder, 'only'), 0)
  return examine(folder)
}

async function survived(folder: string, point: CrashPoint): Promise<Outcome> {
  const ends = await Promise.all([run(folder, 'a', point, hitOf(point)), run(folder, 'b', point, hitOf(point))])
  assert.deepEqual(ends.toSorted(), [0, 'SIGKILL'], `${point} was never reached`)
  return examine(folder)
}

function hitOf(point: CrashPoint): number {
  return FIRST.has(point) ? 1 : 2
}

/** Runs the system in a process; its exit code, or the signal that ended it. */
function run(folder: string, instance: string, point = '', hit = 0): Promise<number | string | null> {
  const script = join(import.meta.dirname, 'system.test-process.ts')
  const child = spawn(
    process.execPath,
    [...process.execArgv.filter(arg => !arg.startsWith('--test')), script, folder, instance, point, String(hit)],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, NODE_COMPILE_CACHE: compiled } },
  )
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(signal ?? code))
  })
}

async function examine(folder: string): Promise<Outcome> {
  const runtime = createRuntime()
  await using source = await openSqlite(runtime, { path: join(folder, 'source.db') })
  await using sink = await openSqlite(runtime, { path: join(folder, 'sink.db') })
  const said = await source.reader.all<{ n: number }>('select n from said order by n')
  assert.equal(said.length, THINGS)
  const effects = (await sink.reader.all<{ n: number }>('select n from effect order by position')).map(({ n }) => n)
  const setAside = await source.reader.get<{ n: number }>('select count(*) as n from outbox_set_aside')
  const counts = new Map<number, number>()
  for (const n of effects) counts.set(n, (counts.get(n) ?? 0) + 1)
  const expected = said.map(({ n }) => n).filter(n => kindOf(n) !== 'poison')
  const disordered: string[] = []
  for (const key of [0, 1, 2]) {
    const ordered = effects.filter(n => n % 3 === key && (kindOf(n) === 'plain' || kindOf(n) === 'flaky'))
    if (ordered.some((n, i) => i > 0 && n < (ordered[i - 1] as number))) disordered.push(`k-${key}: ${ordered}`)
  }
  return {
    lost: expected.filter(n => !counts.has(n)),
    doubled: [...counts].filter(([n, count]) => count > 1 || kindOf(n) === 'poison').map(([n]) => n),
    disordered,
    setAside: setAside?.n ?? 0,
  }
}

function poisons(): number {
  return Array.from({ length: THINGS }, (_, n) => n).filter(n => kindOf(n) === 'poison').length
}
