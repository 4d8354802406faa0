/**
 * The SQLite store: a transaction of one read and two inserts. 64 at a time against the same with every commit flushed by SQLite itself (`synchronous=FULL`); one at a time
 * against a bare loop of write and fdatasync on the same disk. Meanwhile another process, this one, pings an HTTP port of the loaded process 200 times a second.
 */
import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Benchmark } from './harness.ts'
import { atMost, median, pause, quantile, row, timesThePeer } from './harness.ts'
import type { StoreWork } from './store-process.ts'

const ROUNDS = 5
const ROUND_MS = 2_500
const PINGS_PER_SECOND = 200

export const store: Benchmark = {
  name: 'store',
  about: 'SQLite transactions: 64 at a time, one at a time, and how the process answers meanwhile',
  async *run() {
    await using loaded = await startProcess()
    const found = new Map<StoreWork, number[]>()
    const work = async (kind: StoreWork): Promise<void> => {
      const rates = found.get(kind) ?? []
      rates.push(await loaded.run(kind, ROUND_MS))
      found.set(kind, rates)
    }
    const pings: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const pinging = ping(loaded.port, pings)
      await work('64 at a time')
      await pinging.stop()
      await work('64 at a time, FULL')
      await work('one at a time')
      await work('write + fdatasync')
    }
    const rate = (kind: StoreWork): number => median(found.get(kind) as number[])
    const name = 'store'
    yield row(
      {
        name,
        work: '1 read + 2 inserts, 64 at a time; peer: synchronous=FULL',
        figure: rate('64 at a time'),
        unit: 'tx/s',
      },
      { bar: timesThePeer(2), peer: rate('64 at a time, FULL') },
    )
    yield row(
      {
        name,
        work: '1 read + 2 inserts, one at a time; peer: write + fdatasync',
        figure: rate('one at a time'),
        unit: 'tx/s',
      },
      { bar: timesThePeer(0.6), peer: rate('write + fdatasync') },
    )
    const pinged = `HTTP ping of the loaded process, ${PINGS_PER_SECOND}/s, ${pings.length} pings:`
    yield row({ name, work: `${pinged} p99`, figure: quantile(pings, 0.99), unit: 'ms' }, { bar: atMost(10) })
    yield row({ name, work: `${pinged} p99.9`, figure: quantile(pings, 0.999), unit: 'ms' }, { bar: atMost(25) })
  },
}

interface LoadedProcess extends AsyncDisposable {
  readonly port: number
  /** Works for so long; the transactions, or writes, per second. */
  run(kind: StoreWork, ms: number): Promise<number>
}

async function startProcess(): Promise<LoadedProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-bench-store-'))
  const child = fork(join(import.meta.dirname, 'store-process.ts'), [folder])
  const next = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`The loaded process ended with code ${code}.`))
      child.once('exit', ended)
      child.once('message', message => {
        child.off('exit', ended)
        resolve(message as number)
      })
    })
  const port = await next()
  return {
    port,
    run: (kind, ms) => {
      child.send({ kind, ms })
      return next()
    },
    async [Symbol.asyncDispose]() {
      const gone = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Pings by the clock, each on time whether or not those before were answered, as independent callers would. */
function ping(port: number, times: number[]): { stop(): Promise<void> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  let going = true
  const running: Promise<void>[] = []
  const once = (due: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, agent }, response => {
        response.resume()
        response.once('end', () => {
          times.push(performance.now() - due)
          resolve()
        })
      })
      asked.once('error', reject)
      asked.end()
    })
  const loop = (async () => {
    const began = performance.now()
    for (let sent = 0; going; sent++) {
      const wait = began + (sent * 1000) / PINGS_PER_SECOND - performance.now()
      if (wait > 0) await pause(wait)
      running.push(once(performance.now()))
    }
    await Promise.all(running)
    agent.destroy()
  })()
  return {
    stop: () => {
      going = false
      return loop
    },
  }
}
