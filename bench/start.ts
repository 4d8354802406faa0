/** From `npm start` on an existing data folder, with a warm compile cache, to the first answered request; and the memory of a shop that nobody uses. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Benchmark, Row } from './harness.ts'
import { atMost, median, pause, row } from './harness.ts'
import { memoryOf } from './process-usage.ts'
import { startShop } from './shop.ts'

const STARTS = 7
const SPLIT_STARTS = 3
/** How long nobody uses the shop before its memory is read. */
const IDLE_MS = 30_000

/** All services in one process. */
export const start: Benchmark = {
  name: 'start',
  about: 'start to first answered request, and idle memory, one process',
  async *run() {
    const folder = await mkdtemp(join(tmpdir(), 'trellis-bench-'))
    try {
      const times = await startTimes(folder, false, STARTS)
      yield row(
        { name: 'start', work: 'start to first answered request, one process', figure: median(times), unit: 'ms' },
        { bar: atMost(700) },
      )
      await using shop = await startShop({ folder })
      await pause(IDLE_MS)
      const { rssMb, pssMb } = memoryOf(shop.pid)
      yield row({ name: 'start', work: 'idle RSS, one process', figure: rssMb, unit: 'MB' }, { bar: atMost(140) })
      yield row({ name: 'start', work: 'idle PSS, one process', figure: pssMb, unit: 'MB' })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** Each service in a process of its own. */
export const startSplit: Benchmark = {
  name: 'start-split',
  about: 'start until all are ready, and idle memory of a service process, --split',
  async *run() {
    const folder = await mkdtemp(join(tmpdir(), 'trellis-bench-'))
    try {
      const times = await startTimes(folder, true, SPLIT_STARTS)
      yield row(
        { name: 'start-split', work: 'start until all are ready, --split', figure: median(times), unit: 'ms' },
        { bar: atMost(5_000) },
      )
      yield* memory(folder)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** The first start makes the data and fills the cache; it is not counted. */
async function startTimes(folder: string, split: boolean, count: number): Promise<number[]> {
  const times: number[] = []
  for (let index = 0; index <= count; index++) {
    await using shop = await startShop({ folder, split })
    if (index > 0) times.push(shop.startMs)
  }
  return times
}

async function* memory(folder: string): AsyncGenerator<Row> {
  await using shop = await startShop({ folder, split: true })
  await pause(IDLE_MS)
  const found = [...shop.processes()].filter(([name]) => name !== 'gateway').map(([, pid]) => memoryOf(pid))
  if (found.length !== 7) throw new Error(`${found.length} services are alive; the shop has 7.`)
  const work = 'of a service process, median of 7, 30 s idle'
  yield row(
    { name: 'start-split', work: `RSS ${work}`, figure: median(found.map(({ rssMb }) => rssMb)), unit: 'MB' },
    { bar: atMost(105) },
  )
  yield row(
    { name: 'start-split', work: `PSS ${work}`, figure: median(found.map(({ pssMb }) => pssMb)), unit: 'MB' },
    { bar: atMost(48) },
  )
}
