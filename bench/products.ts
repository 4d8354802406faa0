/**
 * `GET /products/{id}` through the gateway: a random one of 200 products, read from the store each time; a random one of 1,000 valid tokens; validation, trace, metrics, one
 * log line to a file. wrk runs on the same two cores. Held beside it is a `node:http` server that answers the same bytes and does nothing of all that.
 */
import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bar, Benchmark, Row } from './harness.ts'
import { atLeast, median, row } from './harness.ts'
import { cpuMicros } from './process-usage.ts'
import { startShop } from './shop.ts'
import { issueTokens } from './tokens.ts'
import { wrk } from './wrk.ts'

const ROUNDS = 5
const SECONDS = 4
const SCRIPT = join(import.meta.dirname, 'products.lua')

/** The shop in one process. */
export const products: Benchmark = benchmark('products', 'one process', false, atLeast(12_000))
/** The gateway and each service in its own process. */
export const productsSplit: Benchmark = benchmark('products-split', '--split', true, atLeast(5_000))

function benchmark(name: string, mode: string, split: boolean, bar: Bar): Benchmark {
  return {
    name,
    about: `GET /products/{id} through the gateway with wrk, ${mode}`,
    run: () => run(name, mode, split, bar),
  }
}

async function* run(name: string, mode: string, split: boolean, bar: Bar): AsyncGenerator<Row> {
  await using shop = await startShop({ split })
  const files = await mkdtemp(join(tmpdir(), 'trellis-bench-wrk-'))
  const ids = await productIds(shop.url)
  const args = [join(files, 'products'), join(files, 'tokens')]
  await writeFile(args[0] as string, ids.join('\n'))
  await writeFile(args[1] as string, (await issueTokens(shop, 1_000)).join('\n'))
  const answer = await fetch(`${shop.url}/api/products/${ids[0]}`)
  const plain = await startPlain(await answer.text(), [...answer.headers])
  try {
    const pids = split ? ['gateway', 'catalog'].map(part => shop.processes().get(part) as number) : [shop.pid]
    const cpu = (): number => pids.reduce((sum, pid) => sum + cpuMicros(pid), 0)
    await wrk(shop.url, SCRIPT, args, SECONDS) // warm, and every token seen
    await wrk(plain.url, SCRIPT, args, 2)
    const ours: number[] = []
    const peers: number[] = []
    const cpus: number[] = []
    const tails: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const before = cpu()
      const found = await wrk(shop.url, SCRIPT, args, SECONDS)
      if (found.failed > 0) throw new Error(`${found.failed} of ${found.requests} requests failed.`)
      cpus.push((cpu() - before) / found.requests)
      ours.push(found.perSecond)
      tails.push(found.p99Ms)
      peers.push((await wrk(plain.url, SCRIPT, args, SECONDS)).perSecond)
    }
    const work = `GET /products/{id}, ${mode}`
    yield row({ name, work, figure: median(ours), unit: 'req/s' }, { bar, peer: median(peers) })
    yield row({ name, work: `${work}: CPU of the shop for each`, figure: median(cpus), unit: 'µs' })
    yield row({ name, work: `${work}: p99 at 64 connections`, figure: median(tails), unit: 'ms' })
  } finally {
    plain.process.kill()
    await rm(files, { recursive: true, force: true })
  }
}

async function productIds(url: string): Promise<string[]> {
  const ids: string[] = []
  for (let cursor = ''; ; ) {
    const page = (await (await fetch(`${url}/api/products?limit=100${cursor}`)).json()) as {
      items: { id: string }[]
      nextCursor?: string
    }
    ids.push(...page.items.map(({ id }) => id))
    if (page.nextCursor === undefined) return ids
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`
  }
}

interface Plain {
  readonly url: string
  readonly process: ChildProcess
}

async function startPlain(body: string, headers: readonly (readonly [string, string])[]): Promise<Plain> {
  const child = fork(join(import.meta.dirname, 'plain-server.ts'))
  child.send({ body, headers })
  const port = await new Promise<number>(resolve => child.once('message', message => resolve(message as number)))
  return { url: `http://127.0.0.1:${port}`, process: child }
}
