/** From the beginning of a transaction with one message in the outbox until the message's handler runs, at 500 a second: both in this process, and the handler in another. */
import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Benchmark } from './harness.ts'
import { atMost, median, pause, quantile, row } from './harness.ts'
import { openBroker, openConsumer, openPublisher } from './whole-way.ts'

const PER_SECOND = 500
const WARM_MESSAGES = 1_000
const ROUND_MESSAGES = 2_000
const ROUNDS = 3
const KEYS = 500

export const latency: Benchmark = {
  name: 'latency',
  about: 'publish to handler at 500/s, in one process and across two',
  async *run() {
    const one = await rounds(false)
    const two = await rounds(true)
    const name = 'latency'
    const work = `publish to handler at ${PER_SECOND}/s`
    yield row({ name, work: `${work}, one process: p50`, figure: median(one.p50), unit: 'ms' }, { bar: atMost(5) })
    yield row({ name, work: `${work}, one process: p99`, figure: median(one.p99), unit: 'ms' })
    yield row({ name, work: `${work}, across two: p50`, figure: median(two.p50), unit: 'ms' }, { bar: atMost(15) })
    yield row({ name, work: `${work}, across two: p99`, figure: median(two.p99), unit: 'ms' })
  },
}

interface Spread {
  readonly p50: number[]
  readonly p99: number[]
}

async function rounds(two: boolean): Promise<Spread> {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-bench-latency-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  let times: number[] = []
  let left = 0
  let done: () => void = () => undefined
  const arrived = (afterMs: number): void => {
    times.push(afterMs)
    if (--left === 0) done()
  }
  const broker = await openBroker(folder, stack)
  if (two) await startConsumer(folder, stack, arrived)
  else await openConsumer(folder, broker, stack, { arrived })
  const publish = await openPublisher(folder, broker, stack)
  const carry = async (count: number): Promise<number[]> => {
    times = []
    left = count
    const all = new Promise<void>(resolve => {
      done = resolve
    })
    const began = performance.now()
    for (let number = 0; number < count; number++) {
      const wait = began + (number * 1000) / PER_SECOND - performance.now()
      if (wait > 0) await pause(wait)
      publish(number, `key-${number % KEYS}`).catch((error: unknown) => {
        throw error // nobody waits for it: it ends the benchmark
      })
    }
    await all
    return times
  }
  await carry(WARM_MESSAGES)
  const spread: Spread = { p50: [], p99: [] }
  for (let round = 0; round < ROUNDS; round++) {
    const found = await carry(ROUND_MESSAGES)
    spread.p50.push(median(found))
    spread.p99.push(quantile(found, 0.99))
  }
  return spread
}

/** The handler in a process of its own, which tells how long each message took. */
async function startConsumer(
  folder: string,
  stack: AsyncDisposableStack,
  arrived: (afterMs: number) => void,
): Promise<void> {
  const child = fork(join(import.meta.dirname, 'consumer-process.ts'), [folder])
  stack.defer(async () => {
    const gone = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  })
  await new Promise<void>(resolve => child.once('message', () => resolve()))
  child.on('message', times => {
    for (const afterMs of times as number[]) arrived(afterMs)
  })
}
