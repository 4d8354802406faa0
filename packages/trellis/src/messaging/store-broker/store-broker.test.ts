import assert from 'node:assert/strict'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, test } from 'node:test'
import { createRuntime, Fault } from '../../kernel/index.ts'
import { openSqlite, type SqliteOptions } from '../../store/sqlite/index.ts'
import { acknowledge, collect, Deliveries, hold } from '../../testing/conformance/deliveries.ts'
import type { Message } from '../messaging.ts'
import { partitionOf } from './position.ts'
import { type Severable, severable } from './severable.test-fixture.ts'
import { createStoreBroker, type StoreBroker, type StoreBrokerOptions } from './store-broker.ts'

const TOPIC = 'test.topic.v1'

interface Process extends Severable {
  readonly broker: StoreBroker
}

/** Brokers on one database, each with a connection of its own, as processes have it. */
class Machine implements AsyncDisposable {
  readonly folder: string
  readonly #processes: Process[] = []

  constructor(folder: string) {
    this.folder = folder
  }

  static async start(): Promise<Machine> {
    return new Machine(await mkdtemp(join(tmpdir(), 'trellis-store-broker-')))
  }

  get path(): string {
    return join(this.folder, 'platform.db')
  }

  async open(options: Partial<StoreBrokerOptions> = {}, sqlite: Partial<SqliteOptions> = {}): Promise<Process> {
    const runtime = createRuntime()
    const owned = severable(await openSqlite(runtime, { path: this.path, ...sqlite }))
    const broker = await createStoreBroker(runtime, { store: owned.store, leaseMs: 300, pollMs: 10, ...options })
    await broker.declare([{ name: TOPIC, kind: 'event' }], [{ group: 'g', topics: [TOPIC] }])
    const process = { ...owned, broker }
    this.#processes.push(process)
    return process
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { sever } of this.#processes) sever()
    for (const { store } of this.#processes) await store[Symbol.asyncDispose]()
    await rm(this.folder, { recursive: true })
  }
}

function message(id: string, key?: string): Message {
  return { id, topic: TOPIC, source: 'test', time: 1, key, data: '{}', attributes: {} }
}

/** Keys that share a partition. */
function neighbours(count: number): string[] {
  const keys: string[] = []
  for (let n = 0; keys.length < count; n++) if (partitionOf(`k-${n}`) === 3) keys.push(`k-${n}`)
  return keys
}

async function shares({ store }: Process): Promise<number[]> {
  const rows = await store.reader.all<{ n: number }>(
    'select count(*) as n from broker_lease where owner is not null group by owner order by n',
  )
  return rows.map(({ n }) => n)
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setImmediate(resolve))
}

describe('broker on a store', { timeout: 60_000 }, () => {
  test('consumers share the partitions fairly as they come and go', async () => {
    await using machine = await Machine.start()
    const processes = [await machine.open(), await machine.open(), await machine.open()] as const
    const subscriptions = []
    for (const [n, { broker }] of processes.entries()) {
      subscriptions.push(await broker.subscribe({ topics: [TOPIC], group: 'g' }, acknowledge))
      const fair = [[16], [8, 8], [5, 5, 6]][n]
      await until(async () => `${await shares(processes[0])}` === `${fair}`)
    }
    await subscriptions[0]?.stop()
    await until(async () => `${await shares(processes[0])}` === '8,8')
    processes[1].sever()
    await until(async () => `${await shares(processes[0])}` === '16')
  })

  test('an acknowledgement of a consumer that was paused is refused once another has its partition', async () => {
    await using machine = await Machine.start()
    const paused = await machine.open()
    const other = await machine.open()
    const first = await collect(paused.broker, { topics: [TOPIC], group: 'g' }, hold)
    await other.broker.publish([message('m-1', 'k')])
    const delivery = await first.nth(1)
    paused.sever()
    const second = await collect(other.broker, { topics: [TOPIC], group: 'g' })
    await second.nth(1)
    paused.restore()
    await assert.rejects(delivery.ack(), { code: 'aborted', reason: 'LEASE_LOST' })
    assert.equal(delivery.signal.aborted, true)
    await assert.rejects(first.all[0]?.nack({ delayMs: 0, cause: new Fault('internal', 'x') }) as Promise<void>)
    assert.equal(second.all.length, 1)
  })

  test('a consumer that cannot renew its lease hands out nothing more until it can', async () => {
    await using machine = await Machine.start()
    const alone = await machine.open()
    const got = await collect(alone.broker, { topics: [TOPIC], group: 'g', concurrency: 1 }, hold)
    await alone.broker.publish([message('m-1', 'a'), message('m-2', 'b')])
    await got.nth(1)
    alone.sever()
    await new Promise(resolve => setTimeout(resolve, 400)) // longer than the lease
    const acked = got.all[0]?.ack()
    assert.equal(got.all.length, 1)
    alone.restore()
    await acked
    await got.nth(2)
  })

  test('a process that is started again under its name takes up at once what it held', async () => {
    await using machine = await Machine.start()
    const options = { leaseMs: 3_600_000, instance: 'orders-0' }
    const first = await machine.open(options)
    const held = await collect(first.broker, { topics: [TOPIC], group: 'g' }, hold)
    await first.broker.publish([message('m-1', 'k')])
    await held.nth(1)
    first.sever()
    const second = await machine.open(options)
    const got = await collect(second.broker, { topics: [TOPIC], group: 'g' })
    assert.equal((await got.nth(1)).message.id, 'm-1')
  })

  test('a message over which its consumer dies again and again is handed out alone, its deaths counted as attempts', async () => {
    await using machine = await Machine.start()
    const [deadly, ...others] = neighbours(4) as [string, ...string[]]
    const publisher = await machine.open()
    await publisher.broker.publish([message('deadly', deadly), ...others.map(key => message(key, key))])
    const attempts: number[] = []
    for (let life = 0; life < 4; life++) {
      const victim = await machine.open()
      const got = await collect(victim.broker, { topics: [TOPIC], group: 'g' }, hold)
      const delivery = await got.of('deadly')
      attempts.push(delivery.attempt)
      assert.equal(delivery.deaths, life)
      if (life === 3) {
        assert.deepEqual(got.ids, ['deadly'])
        await delivery.deadLetter(new Fault('internal', 'It kills.', { reason: 'DEADLY' }))
        for (const [n] of others.entries()) await (await got.nth(n + 2)).ack()
        assert.deepEqual(new Set(got.ids), new Set(['deadly', ...others]))
      }
      victim.sever()
    }
    assert.deepEqual(attempts, [1, 2, 3, 4])
  })

  test('consumers that died while they had nothing to do count against no message', async () => {
    await using machine = await Machine.start()
    for (let life = 0; life < 3; life++) {
      const idle = await machine.open({ instance: 'orders-0' })
      await idle.broker.subscribe({ topics: [TOPIC], group: 'g' }, hold)
      idle.sever()
    }
    const { broker } = await machine.open({ instance: 'orders-0' })
    const got = await collect(broker, { topics: [TOPIC], group: 'g' })
    await broker.publish([message('first', 'k')])
    const { deaths, attempt } = await got.of('first')
    assert.deepEqual({ deaths, attempt }, { deaths: 0, attempt: 1 })
  })

  test('many messages behind one that waits do not hold up other keys of their partition', async () => {
    await using machine = await Machine.start()
    const { broker } = await machine.open()
    const [stuck, free] = neighbours(2) as [string, string]
    let release = false
    const got = await collect(broker, { topics: [TOPIC], group: 'g', concurrency: 4 }, delivery => {
      if (delivery.message.key === stuck && !release)
        delivery.nack({ delayMs: 50, cause: new Fault('unavailable', 'Down.') }).catch(() => undefined)
      else acknowledge(delivery)
    })
    const behind = Array.from({ length: 500 }, (_, n) => message(`s-${n}`, stuck))
    await broker.publish([...behind.slice(0, 1), message('f-1', free), ...behind.slice(1), message('f-2', free)])
    await got.of('f-2')
    assert.equal(new Set(got.ids.filter(id => id.startsWith('s'))).size, 1)
    release = true
    await got.of('s-499')
    const order = got.ids.filter(id => id.startsWith('s')).slice(-500)
    assert.deepEqual(
      order,
      behind.map(({ id }) => id),
    )
    await until(async () => (await broker.admin.lag()).every(({ messages }) => messages === 0))
  })

  test('what every group has settled is trimmed; what is open, waits or is not read yet stays', async () => {
    await using machine = await Machine.start()
    const { broker, store } = await machine.open({ retentionMs: 0, retainPerPartition: 0 })
    const left = async (): Promise<string[]> =>
      (await store.reader.all<{ id: string }>('select id from broker_message order by id')).map(({ id }) => id)
    const got = await collect(broker, { topics: [TOPIC], group: 'g' }, hold)
    const [a, b, c, d] = neighbours(4) as [string, string, string, string]
    await broker.publish([message('waits', a), message('done-1', b), message('open', c), message('done-2', d)])
    await got.nth(4)
    await (await got.of('waits')).nack({ delayMs: 60_000, cause: new Fault('unavailable', 'Down.') })
    await (await got.of('done-1')).ack()
    await (await got.of('done-2')).ack()
    await broker.trim()
    assert.deepEqual(await left(), ['done-2', 'open', 'waits'])
    await (await got.of('open')).ack()
    await broker.trim()
    assert.deepEqual(await left(), ['waits'])
    await broker.declare([], [{ group: 'slow', topics: [TOPIC] }])
    await broker.publish([message('new', b)])
    await (await got.of('new')).ack()
    await broker.trim()
    assert.deepEqual(await left(), ['new', 'waits'])
  })

  test('while another process holds the database locked publishing is unavailable, and everything goes on after', async () => {
    await using machine = await Machine.start()
    const { broker } = await machine.open({}, { busyTimeoutMs: 50 })
    const got = new Deliveries(hold)
    await broker.subscribe({ topics: [TOPIC], group: 'g' }, got.take)
    await broker.publish([message('m-1', 'k')])
    const first = await got.nth(1)
    const lock = new DatabaseSync(machine.path)
    lock.exec('begin immediate')
    await assert.rejects(broker.publish([message('m-2', 'k')]), { code: 'unavailable', reason: 'STORE_BUSY' })
    const acked = first.ack()
    await new Promise(resolve => setTimeout(resolve, 400)) // longer than the lease
    lock.exec('rollback')
    lock.close()
    await acked
    await broker.publish([message('m-3', 'k')])
    assert.equal((await got.nth(2)).message.id, 'm-3')
  })

  test('the wake file stays small', async () => {
    await using machine = await Machine.start()
    const wakePath = join(machine.folder, 'platform.wake')
    const { broker } = await machine.open({ wakePath })
    await using file = await createRuntime().fs.open(wakePath)
    await file.append('.'.repeat(100_000))
    await broker.publish([message('m-1', 'k')])
    await until(async () => (await stat(wakePath)).size < 1_000)
  })

  test('options out of range are refused', async () => {
    await using machine = await Machine.start()
    const runtime = createRuntime()
    await using store = await openSqlite(runtime, { path: machine.path })
    await assert.rejects(createStoreBroker(runtime, { store, leaseMs: 1 }), RangeError)
    await assert.rejects(createStoreBroker(runtime, { store, pollMs: 0 }), RangeError)
    const broker = await createStoreBroker(runtime, { store })
    await assert.rejects(broker.subscribe({ topics: [], group: '' }, acknowledge))
    await assert.rejects(broker.subscribe({ topics: ['x'], group: 'g', concurrency: 0 }, acknowledge), RangeError)
    await assert.rejects(broker.subscribe({ topics: ['x'], group: 'g' }, acknowledge), { reason: 'UNKNOWN_TOPIC' })
    await broker[Symbol.asyncDispose]()
    await assert.rejects(broker.publish([message('m-1')]), { reason: 'BROKER_CLOSED' })
  })
})
