import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AttemptMark, createInbox, inboxMigrations } from './inbox.ts'
import { createBench } from './messaging.test-fixture.ts'

describe('inbox', { timeout: 20_000 }, () => {
  test('a message is new once for each group', async () => {
    await using bench = await createBench()
    await bench.store.migrate('inbox', inboxMigrations)
    const inbox = createInbox(bench.store)
    const mark = (group: string, id: string): Promise<boolean> =>
      bench.store.transaction(tx => inbox.mark(tx, group, id))
    assert.deepEqual(
      [await mark('a', 'm-1'), await mark('a', 'm-1'), await mark('b', 'm-1'), await mark('a', 'm-2')],
      [true, false, true, true],
    )
    assert.deepEqual([await inbox.has('a', 'm-1'), await inbox.has('b', 'm-2')], [true, false])
    assert.deepEqual([await inbox.confirm('a', 'm-1'), await inbox.confirm('b', 'm-2')], [true, false])
  })

  test('of many attempts at once one may go on', async () => {
    await using bench = await createBench()
    await bench.store.migrate('inbox', inboxMigrations)
    const inbox = createInbox(bench.store)
    const attempts = Array.from({ length: 20 }, () => {
      const mark = new AttemptMark(inbox, 'a', 'm-1', undefined)
      return bench.store.transaction(tx => mark.storeIn(tx))
    })
    const outcomes = await Promise.allSettled(attempts)
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') assert.equal(outcome.reason.reason, 'ALREADY_HANDLED')
  })

  test('a transaction after one that rolled back is no second one', async () => {
    await using bench = await createBench()
    await bench.store.migrate('inbox', inboxMigrations)
    const mark = new AttemptMark(createInbox(bench.store), 'a', 'm-1', undefined)
    const failing = bench.store.transaction(async tx => {
      await mark.storeIn(tx)
      throw new Error('no')
    })
    await assert.rejects(failing, { message: 'no' })
    assert.equal(mark.committed, false)
    await bench.store.transaction(tx => mark.storeIn(tx))
    assert.equal(mark.committed, true)
    await assert.rejects(
      bench.store.transaction(tx => mark.storeIn(tx)),
      { reason: 'SECOND_TRANSACTION' },
    )
  })

  test('an attempt that has ended commits nothing', async () => {
    await using bench = await createBench()
    await bench.store.migrate('inbox', inboxMigrations)
    const mark = new AttemptMark(createInbox(bench.store), 'a', 'm-1', undefined)
    mark.end()
    await assert.rejects(
      bench.store.transaction(tx => mark.storeIn(tx)),
      { reason: 'ATTEMPT_OVER' },
    )
  })

  test('the sweep removes old marks and keeps young ones, however many', async () => {
    await using bench = await createBench()
    await bench.store.migrate('inbox', inboxMigrations)
    const inbox = createInbox(bench.store)
    await bench.store.transaction(async tx => {
      for (let n = 0; n < 1_200; n++) {
        const at = n % 3 === 0 ? tx.now : tx.now - 10_000
        await tx.run(
          'insert into inbox (group_name, message_id, handled_at) values (?, ?, ?)',
          `g-${n % 4}`,
          `m-${n}`,
          at,
        )
      }
    })
    assert.equal(await inbox.sweep(5_000), 800)
    assert.equal(await inbox.sweep(5_000), 0)
    assert.deepEqual(await bench.store.reader.get('select count(*) as n from inbox'), { n: 400 })
  })
})
