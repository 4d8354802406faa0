import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Bench, createBench, sample } from './messaging.test-fixture.ts'
import { createOutbox, type Outbox, outboxMigrations } from './outbox.ts'
import { createTimers, type Timers } from './timers.ts'

async function started(bench: Bench): Promise<{ outbox: Outbox; timers: Timers; added: () => Promise<void> }> {
  await bench.store.migrate('outbox', outboxMigrations)
  const outbox = createOutbox()
  const timers = await createTimers(bench.runtime, { store: bench.store, outbox })
  const added = (): Promise<void> =>
    new Promise(resolve => {
      const leave = outbox.onAdded(() => {
        leave()
        resolve()
      })
    })
  return { outbox, timers, added }
}

async function inOutbox(bench: Bench): Promise<string[]> {
  return (await bench.store.reader.all<{ id: string }>('select id from outbox order by number')).map(({ id }) => id)
}

describe('timers', { timeout: 20_000 }, () => {
  test('a timer moves its message into the outbox at its time, not before, and once', async () => {
    await using bench = await createBench()
    const { timers, added } = await started(bench)
    const moved = added()
    const due = await bench.store.transaction(async tx => {
      await timers.schedule(tx, sample('m-1'), { afterMs: 80 })
      return tx.now + 80
    })
    await moved
    assert.ok(bench.runtime.clock.now() >= due)
    assert.deepEqual(await inOutbox(bench), ['m-1'])
    assert.deepEqual(await bench.store.reader.all('select * from timer'), [])
    await timers[Symbol.asyncDispose]()
  })

  test('an earlier timer that comes later is moved first', async () => {
    await using bench = await createBench()
    const { timers, added } = await started(bench)
    await bench.store.transaction(tx => timers.schedule(tx, sample('late'), { afterMs: 60_000 }))
    const moved = added()
    await bench.store.transaction(tx => timers.schedule(tx, sample('soon'), { afterMs: 10 }))
    await moved
    assert.deepEqual(await inOutbox(bench), ['soon'])
    await timers[Symbol.asyncDispose]()
  })

  test('a cancelled timer does not fire, and one that is scheduled again is moved', async () => {
    await using bench = await createBench()
    const { timers, added } = await started(bench)
    const moved = added()
    await bench.store.transaction(async tx => {
      await timers.schedule(tx, sample('cancelled'), { afterMs: 1, key: 'a' })
      await timers.schedule(tx, sample('first'), { afterMs: 1, key: 'b' })
      assert.equal(await timers.cancel(tx, 'a'), true)
      assert.equal(await timers.cancel(tx, 'unknown'), false)
      await timers.schedule(tx, sample('second'), { afterMs: 30, key: 'b' })
    })
    await moved
    assert.deepEqual(await inOutbox(bench), ['second'])
    await timers[Symbol.asyncDispose]()
  })

  test('a timer whose transaction rolled back is none', async () => {
    await using bench = await createBench()
    const { timers } = await started(bench)
    const failing = bench.store.transaction(async tx => {
      await timers.schedule(tx, sample('m-1'), { afterMs: 0 })
      throw new Error('no')
    })
    await assert.rejects(failing)
    assert.deepEqual(await bench.store.reader.all('select * from timer'), [])
    await timers[Symbol.asyncDispose]()
  })

  test('timers of an earlier life fire after the start, in their order', async () => {
    await using bench = await createBench()
    const { timers } = await started(bench)
    await timers[Symbol.asyncDispose]()
    await bench.store.transaction(async tx => {
      for (let n = 249; n >= 0; n--) await timers.schedule(tx, sample(`m-${n}`), { at: tx.now - 1_000 + n })
    })
    const again = await started(bench)
    while ((await inOutbox(bench)).length < 250) await new Promise(resolve => setImmediate(resolve))
    assert.deepEqual(
      await inOutbox(bench),
      Array.from({ length: 250 }, (_, n) => `m-${n}`),
    )
    await again.timers[Symbol.asyncDispose]()
  })

  test('a timer without a time, or with a message that no engine carries, is refused', async () => {
    await using bench = await createBench()
    const { timers } = await started(bench)
    await assert.rejects(
      bench.store.transaction(tx => timers.schedule(tx, sample('m-1'), {})),
      TypeError,
    )
    await assert.rejects(
      bench.store.transaction(tx => timers.schedule(tx, sample('m-1', { id: '' }), { afterMs: 1 })),
      { reason: 'INVALID_MESSAGE' },
    )
    await timers[Symbol.asyncDispose]()
  })
})
