/**
 * The broker on SQLite: 200-byte messages, 500 keys, 64 publishers, durable, one process. (a) The port alone: publish, claim, a handler that writes nothing, ack. (b) The whole
 * way: a transaction with outbox, the relay, claim, a handler with inbox and one row of effect, ack. A round counts from the first publish to the last acknowledgement.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRuntime, Fault } from 'trellis/kernel'
import type { Benchmark } from './harness.ts'
import { atLeast, median, row } from './harness.ts'
import { openBroker, openConsumer, openPublisher } from './whole-way.ts'

const PUBLISHERS = 64
const KEYS = 500
const ROUNDS = 5
const ALONE_MESSAGES = 30_000
const WHOLE_MESSAGES = 12_000
const BODY = JSON.stringify({ text: 'x'.repeat(189) })

export const broker: Benchmark = {
  name: 'broker',
  about: 'messages per second, durable: the port alone, and from transaction to effect',
  async *run() {
    const alone = await rounds(ALONE_MESSAGES, portAlone)
    yield row(
      { name: 'broker', work: '(a) publish, claim, empty handler, ack', figure: alone.perSecond, unit: 'msg/s' },
      { bar: atLeast(12_000) },
    )
    yield row({ name: 'broker', work: '(a) CPU of each message', figure: alone.cpuUs, unit: 'µs' })
    const whole = await rounds(WHOLE_MESSAGES, wholeWay)
    yield row(
      {
        name: 'broker',
        work: '(b) transaction, outbox, relay, inbox, effect, ack',
        figure: whole.perSecond,
        unit: 'msg/s',
      },
      { bar: atLeast(5_000) },
    )
    yield row({ name: 'broker', work: '(b) CPU of each message', figure: whole.cpuUs, unit: 'µs' })
  },
}

type Work = (folder: string) => Promise<AsyncDisposable & { carry(count: number): Promise<void> }>

/** A first, smaller round warms up. */
async function rounds(count: number, open: Work): Promise<{ perSecond: number; cpuUs: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-bench-broker-'))
  try {
    await using way = await open(folder)
    await way.carry(count / 3)
    const rates: number[] = []
    const cpus: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const cpu = process.cpuUsage()
      const began = performance.now()
      await way.carry(count)
      rates.push((count / (performance.now() - began)) * 1000)
      const { user, system } = process.cpuUsage(cpu)
      cpus.push((user + system) / count)
    }
    return { perSecond: median(rates), cpuUs: median(cpus) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Runs `publish` for each of `count` numbers, 64 at a time. */
async function publishAll(count: number, publish: (number: number) => Promise<void>): Promise<void> {
  let next = 0
  const publisher = async (): Promise<void> => {
    while (next < count) await publish(next++)
  }
  await Promise.all(Array.from({ length: PUBLISHERS }, publisher))
}

const portAlone: Work = async folder => {
  const stack = new AsyncDisposableStack()
  const { clock, random } = createRuntime()
  const port = await openBroker(folder, stack)
  await port.declare([{ name: 'bench.sent.v1', kind: 'event' }], [{ group: 'bench', topics: ['bench.sent.v1'] }])
  let left = 0
  let done: () => void = () => undefined
  const acked = (): void => {
    if (--left === 0) done()
  }
  stack.use(
    await port.subscribe({ topics: ['bench.sent.v1'], group: 'bench' }, delivery => {
      delivery.ack().then(acked, report)
    }),
  )
  return {
    async carry(count) {
      left = count
      const all = new Promise<void>(resolve => {
        done = resolve
      })
      await publishAll(count, number =>
        port.publish([
          {
            id: random.id(),
            topic: 'bench.sent.v1',
            source: 'bench',
            time: clock.now(),
            key: `key-${number % KEYS}`,
            data: BODY,
            attributes: {},
          },
        ]),
      )
      await all
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const wholeWay: Work = async folder => {
  const stack = new AsyncDisposableStack()
  let left = 0
  let done: () => void = () => undefined
  const acked = (): void => {
    if (--left === 0) done()
  }
  const port = await openBroker(folder, stack)
  await openConsumer(folder, port, stack, { acked })
  const publish = await openPublisher(folder, port, stack)
  return {
    async carry(count) {
      left = count
      const all = new Promise<void>(resolve => {
        done = resolve
      })
      await publishAll(count, number => publish(number, `key-${number % KEYS}`))
      await all
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function report(error: unknown): void {
  process.stderr.write(`${Fault.from(error).message}\n`)
}
