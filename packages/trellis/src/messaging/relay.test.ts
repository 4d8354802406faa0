import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '../kernel/index.ts'
import { type Bench, createBench, FakeBroker, sample } from './messaging.test-fixture.ts'
import { createOutbox, type Outbox, outboxMigrations } from './outbox.ts'
import { createRelay, type Relay, type RelayOptions } from './relay.ts'

const within = { timeout: 20_000 }

async function started(
  bench: Bench,
  options: Partial<RelayOptions> = {},
): Promise<{ broker: FakeBroker; outbox: Outbox; relay: Relay }> {
  const broker = new FakeBroker()
  const outbox = createOutbox()
  const relay = await createRelay(bench.runtime, { store: bench.store, broker, outbox, ...options })
  return { broker, outbox, relay }
}

/** Resolves when the outbox is empty. */
async function emptied(bench: Bench): Promise<void> {
  while ((await bench.store.reader.get('select number from outbox limit 1')) !== undefined)
    await new Promise(resolve => setImmediate(resolve))
}

describe('outbox and relay', within, () => {
  test('a committed message is published as it was written, and removed', async () => {
    await using bench = await createBench()
    const { broker, outbox, relay } = await started(bench)
    const message = sample('m-1', { attributes: { actor: 'ü' }, deliverAt: 99, data: '"😀"' })
    await bench.store.transaction(tx => outbox.add(tx, [message]))
    await broker.until(() => broker.published.length === 1)
    assert.deepEqual(broker.published, [message])
    await emptied(bench)
    assert.deepEqual(await relay.lag(), { messages: 0, oldestMs: 0 })
    await relay[Symbol.asyncDispose]()
  })

  test('a message of a transaction that rolled back is never published', async () => {
    await using bench = await createBench()
    const { broker, outbox, relay } = await started(bench)
    await assert.rejects(
      bench.store.transaction(async tx => {
        await outbox.add(tx, [sample('gone')])
        throw new Error('no')
      }),
    )
    await bench.store.transaction(tx => outbox.add(tx, [sample('kept')]))
    await broker.until(() => broker.published.length > 0)
    await emptied(bench)
    assert.deepEqual(
      broker.published.map(({ id }) => id),
      ['kept'],
    )
    await relay[Symbol.asyncDispose]()
  })

  test('messages leave in the order in which they were written', async () => {
    await using bench = await createBench()
    const { broker, outbox, relay } = await started(bench)
    const ids = Array.from({ length: 100 }, (_, n) => `m-${n}`)
    for (const id of ids) await bench.store.transaction(tx => outbox.add(tx, [sample(id)]))
    await broker.until(() => broker.published.length >= 100)
    assert.deepEqual(
      broker.published.map(({ id }) => id),
      ids,
    )
    await relay[Symbol.asyncDispose]()
  })

  test('while the broker is down the outbox keeps everything, and nothing is set aside', async () => {
    await using bench = await createBench()
    const { broker, outbox, relay } = await started(bench, { maxAttempts: 1 })
    let calls = 0
    broker.refuse = () => {
      if (++calls < 4) throw new Fault('unavailable', 'Down.')
    }
    await bench.store.transaction(tx => outbox.add(tx, [sample('m-1'), sample('m-2')]))
    await broker.until(() => broker.published.length === 2)
    assert.deepEqual(
      broker.published.map(({ id }) => id),
      ['m-1', 'm-2'],
    )
    assert.deepEqual(await relay.setAside(), [])
    await relay[Symbol.asyncDispose]()
  })

  test('a record that the broker refuses lets others pass, holds its key back, and is set aside with its cause', async () => {
    await using bench = await createBench()
    const { broker, outbox, relay } = await started(bench, { maxAttempts: 2 })
    broker.refuse = messages => {
      if (messages.some(({ id }) => id === 'bad'))
        throw new Fault('not_found', 'No topic.', { reason: 'UNKNOWN_TOPIC' })
    }
    await bench.store.transaction(tx =>
      outbox.add(tx, [sample('bad', { key: 'a' }), sample('a-2', { key: 'a' }), sample('b-1', { key: 'b' })]),
    )
    await broker.until(() => broker.published.length === 2)
    assert.deepEqual(
      broker.published.map(({ id }) => id),
      ['b-1', 'a-2'],
    )
    await emptied(bench)
    const [set] = await relay.setAside()
    assert.deepEqual([set?.message.id, set?.code, set?.reason], ['bad', 'not_found', 'UNKNOWN_TOPIC'])
    broker.refuse = () => undefined
    assert.equal(await relay.giveBack([set?.number as number]), 1)
    await broker.until(() => broker.published.length === 3)
    assert.deepEqual(await relay.setAside(), [])
    await relay[Symbol.asyncDispose]()
  })

  test('two relays on one outbox publish everything once while both live', async () => {
    await using bench = await createBench()
    const first = await started(bench)
    const second = await started(bench)
    const ids = Array.from({ length: 60 }, (_, n) => `m-${n}`)
    await Promise.all(
      ids.map((id, n) => bench.store.transaction(tx => (n % 2 === 0 ? first : second).outbox.add(tx, [sample(id)]))),
    )
    await emptied(bench)
    const published = [...first.broker.published, ...second.broker.published].map(({ id }) => id)
    assert.deepEqual(published.toSorted(), ids.toSorted())
    await first.relay[Symbol.asyncDispose]()
    await second.relay[Symbol.asyncDispose]()
  })

  test('what a dead relay of the same instance had taken is published at once', async () => {
    await using bench = await createBench()
    await bench.store.migrate('outbox', outboxMigrations)
    const outbox = createOutbox()
    await bench.store.transaction(async tx => {
      await outbox.add(tx, [sample('m-1')])
      await tx.run('update outbox_lease set owner = ?, expires = ? where id = 1', 'a-0', tx.now + 3_600_000)
    })
    const { broker, relay } = await started(bench, { instance: 'a-0' })
    await broker.until(() => broker.published.length === 1)
    await relay[Symbol.asyncDispose]()
  })

  test('what no engine could carry is refused in the transaction', async () => {
    await using bench = await createBench()
    const { outbox, relay } = await started(bench)
    await assert.rejects(
      bench.store.transaction(tx => outbox.add(tx, [sample('m-1', { key: '' })])),
      { reason: 'INVALID_MESSAGE' },
    )
    await relay[Symbol.asyncDispose]()
  })
})
