/** The part of the event store's kit that is about projections. */
import assert from 'node:assert/strict'
import { openEventStore, type RecordedEvent } from '../../events/index.ts'
import { sleep } from '../../kernel/index.ts'
import type { Row } from '../../store/index.ts'
import { Account, type AccountEvent, balances, cause, deposited, opened } from './account.ts'
import { type EventsUnderTest, fault, type Promised } from './events-under-test.ts'

/** The rows of the projection, as bytes that can be compared. */
async function dump({ store }: EventsUnderTest): Promise<string> {
  return JSON.stringify(await store.reader.all<Row>('select id, amount, events from balance order by id'))
}

async function caughtUp(subject: EventsUnderTest, name = 'balances'): Promise<void> {
  for (let tries = 0; tries < 2_000; tries++) {
    if ((await subject.events.status()).find(status => status.name === name)?.lag === 0) return
    await sleep(subject.runtime, 5)
  }
  assert.fail(`${name} did not catch up`)
}

/** Opens `accounts` accounts with `deposits` deposits of 1 each, one transaction per account. */
async function fill({ store, events }: EventsUnderTest, accounts: number, deposits: number): Promise<void> {
  const history = [opened(), ...Array.from({ length: deposits }, () => deposited(1))]
  const one = (index: number): Promise<unknown> =>
    store.transaction(tx => events.aggregate(tx, Account, `a-${index}`, cause).append(history))
  for (let index = 0; index < accounts; index++) await one(index)
}

/** Registers the tests. */
export function projectionPromises(promised: Promised): void {
  promised('an inline projection is part of the transaction', [balances('inline')], async subject => {
    const failed = subject.store.transaction(async tx => {
      await subject.events.aggregate(tx, Account, 'a', cause).execute(opened())
      assert.deepEqual(await tx.all('select id, amount from balance'), [{ id: 'a', amount: 0 }])
      throw new Error('no')
    })
    await assert.rejects(failed, /no/)
    assert.equal(await dump(subject), '[]')
    await subject.execute('a', opened())
    await subject.execute('a', deposited(7))
    assert.equal(await dump(subject), '[{"id":"a","amount":7,"events":2}]')
  })

  promised(
    'a failing inline projection refuses the command',
    [balances('inline', { before: refuse })],
    async subject => {
      await assert.rejects(subject.execute('a', opened()), /refused/)
      assert.equal((await subject.store.reader.all('select * from trellis_events')).length, 0)
    },
  )

  promised('an asynchronous projection follows, each event once', [balances('asynchronous')], async subject => {
    await subject.execute('a', opened())
    for (let amount = 1; amount <= 20; amount++) await subject.execute('a', deposited(amount))
    await caughtUp(subject)
    assert.equal(await dump(subject), '[{"id":"a","amount":210,"events":21}]')
  })

  promised('several processes keep one projection, each event once', [balances('asynchronous')], async subject => {
    const other = await subject.another()
    await subject.execute('a', opened())
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 ? subject : other).execute('a', deposited(1))),
    )
    await caughtUp(subject)
    await caughtUp(other)
    assert.equal(await dump(subject), '[{"id":"a","amount":40,"events":41}]')
  })

  promised('an asynchronous projection goes on where it stopped', [balances('asynchronous')], async subject => {
    await fill(subject, 2, 2)
    await caughtUp(subject)
    const writer = await subject.another([])
    await subject.events[Symbol.asyncDispose]()
    await writer.execute('a-0', deposited(10))
    const again = await subject.another()
    await caughtUp(again)
    assert.equal(await dump(again), '[{"id":"a-0","amount":12,"events":4},{"id":"a-1","amount":2,"events":3}]')
  })

  const broken = { now: true }
  const stumble = (event: RecordedEvent<AccountEvent>): void => {
    if (broken.now && event.type === 'Deposited' && event.data.amount === 13) throw new Error('stumbled')
  }
  const stumbling = balances('asynchronous', { before: stumble })
  promised(
    'an event that fails is never skipped: what is before it is applied, the rest follows it',
    [stumbling],
    async subject => {
      broken.now = true
      await subject.execute('a', opened())
      for (const amount of [1, 13, 2]) await subject.execute('a', deposited(amount))
      for (;;) {
        const [status] = await subject.events.status()
        if (status?.failure !== undefined && status.lag === 2) break
        await sleep(subject.runtime, 5)
      }
      assert.equal(await dump(subject), '[{"id":"a","amount":1,"events":2}]')
      broken.now = false
      await caughtUp(subject)
      assert.equal(await dump(subject), '[{"id":"a","amount":16,"events":4}]')
    },
  )

  for (const mode of ['inline', 'asynchronous'] as const) {
    promised(`a rebuild (${mode}) gives the same bytes`, [balances(mode)], async subject => {
      await fill(subject, 30, 40)
      await caughtUp(subject)
      const before = await dump(subject)
      await subject.events.rebuild('balances')
      assert.equal(await dump(subject), before)
      await subject.events.rebuild('balances')
      assert.equal(await dump(subject), before)
      await subject.execute('a-0', deposited(100))
      await caughtUp(subject)
      assert.match(await dump(subject), /^\[\{"id":"a-0","amount":140,"events":42\}/)
    })

    promised(
      `a rebuild (${mode}) while others write loses nothing, and readers never see a part`,
      [balances(mode)],
      async subject => {
        const other = await subject.another()
        await fill(subject, 10, 40)
        await caughtUp(subject)
        let going = true
        const write = async (by: EventsUnderTest, id: string): Promise<void> => {
          while (going) {
            await by.execute(id, deposited(1))
            await sleep(by.runtime, 3)
          }
        }
        const read = async (): Promise<void> => {
          let last = 0
          while (going) {
            const row = await subject.store.reader.get<{ events: number }>('select sum(events) as events from balance')
            const count = Number(row?.events)
            assert.ok(count >= last, `${count} events after ${last}`)
            last = count
            await sleep(subject.runtime, 1)
          }
        }
        const traffic = Promise.all([write(subject, 'a-0'), write(other, 'a-1'), write(other, 'a-2'), read()])
        try {
          for (let round = 0; round < 2; round++) await subject.events.rebuild('balances')
        } finally {
          going = false
          await traffic
        }
        await caughtUp(subject)
        const before = await dump(subject)
        await subject.events.rebuild('balances')
        assert.equal(await dump(subject), before)
        const counted =
          'select aggregate_id as id, count(*) - 1 as amount, count(*) as events from trellis_events group by aggregate_id order by id'
        assert.equal(before, JSON.stringify(await subject.store.reader.all(counted)))
      },
    )
  }

  const failing = { now: false }
  const failSometimes = (): void => {
    if (failing.now) throw new Error('refused')
  }
  promised(
    'a rebuild that fails leaves what was there, and can be done again',
    [balances('inline', { before: failSometimes })],
    async subject => {
      failing.now = false
      await fill(subject, 3, 3)
      const before = await dump(subject)
      failing.now = true
      await assert.rejects(subject.events.rebuild('balances'), /refused/)
      assert.equal(await dump(subject), before)
      failing.now = false
      await subject.events.rebuild('balances')
      await subject.execute('a-0', deposited(0))
      assert.equal(await dump(subject), before.replace('"events":4', '"events":5'))
    },
  )

  promised('of two rebuilds at once the later takes over', [balances('inline')], async subject => {
    const other = await subject.another()
    await fill(subject, 20, 60)
    const before = await dump(subject)
    const results = await Promise.allSettled([subject.events.rebuild('balances'), other.events.rebuild('balances')])
    assert.ok(results.some(({ status }) => status === 'fulfilled'))
    for (const result of results) {
      if (result.status === 'rejected') assert.ok(fault('aborted', 'REBUILD_SUPERSEDED')(result.reason))
    }
    assert.equal(await dump(subject), before)
    await subject.execute('a-0', deposited(1))
  })

  promised('a rebuild of what is not there says what is', [balances('inline')], async subject => {
    await assert.rejects(subject.events.rebuild('nothing'), fault('not_found', 'UNKNOWN_PROJECTION'))
  })

  promised('a projection that comes later is built from all events before it is used', [], async subject => {
    await fill(subject, 4, 2)
    const processes = await Promise.all([subject.another([balances('inline')]), subject.another([balances('inline')])])
    for (const process of processes) await process.execute('a-0', deposited(1))
    assert.match(await dump(processes[0]!), /^\[\{"id":"a-0","amount":4,"events":5\},\{"id":"a-1","amount":2/)
  })

  promised(
    'a raised version is a rebuild at the next start; code of the old version may then not write',
    [balances('inline')],
    async subject => {
      await fill(subject, 2, 2)
      const newer = await subject.another([balances('inline', { version: 2 })])
      assert.match(await dump(newer), /"id":"a-0","amount":4/)
      await newer.execute('a-0', deposited(1))
      assert.match(await dump(newer), /"id":"a-0","amount":6/)
      const refused = fault('failed_precondition', 'PROJECTION_VERSION')
      await assert.rejects(subject.execute('a-0', deposited(1)), refused)
      await assert.rejects(subject.another([balances('inline')]), refused)
    },
  )

  promised('two projections may not share a name or a table', [], async ({ runtime, store }) => {
    const twice = [balances('inline'), balances('inline')]
    await assert.rejects(
      openEventStore(runtime, { store, projections: twice }),
      /projection balances is declared twice/,
    )
    const shared = [balances('inline'), balances('inline', { name: 'others' })]
    await assert.rejects(openEventStore(runtime, { store, projections: shared }), /table balance is declared twice/)
  })
}

function refuse(): void {
  throw new Error('refused')
}
