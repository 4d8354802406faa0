/**
 * The promises of the event store as tests, run on every engine of the Store port: they stand on its transactions.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type AggregateHandle,
  aggregate,
  openEventStore,
  type PositionedEvent,
  type Projection,
  readEvents,
  retryConflicts,
  versionOf,
} from '../../events/index.ts'
import { createRuntime, isFault, sleep } from '../../kernel/index.ts'
import type { Store, Transaction } from '../../store/index.ts'
import { Account, type AccountEvent, type AccountState, accountEvents, cause, deposited, opened } from './account.ts'
import { type EventsUnderTest, fault, type Promised } from './events-under-test.ts'
import { projectionPromises } from './projections.ts'
import type { StoreUnderTest } from './store.ts'

/** Registers the tests of one engine with `node:test`. `open` is called for each test. */
export function eventsConformance(name: string, open: () => Promise<StoreUnderTest>): void {
  const promised: Promised = (title, projections, body) => {
    test(title, { timeout: 60_000 }, async () => {
      const under = await open()
      const opened: EventsUnderTest[] = []
      const openOn = async (store: Store, list: readonly Projection[]): Promise<EventsUnderTest> => {
        const runtime = createRuntime()
        const opening = openEventStore(runtime, { store, projections: list, pollMs: 20 })
        const events = await opening.catch(async error => {
          if (store !== under.store) await store[Symbol.asyncDispose]()
          throw error
        })
        const execute = (id: string, command: AccountEvent): Promise<void> =>
          retryConflicts(
            runtime,
            () => store.transaction(async tx => void (await events.aggregate(tx, Account, id, cause).execute(command))),
            { attempts: 50 },
          )
        const another = async (more: readonly Projection[] = list): Promise<EventsUnderTest> =>
          openOn(await under.another(), more)
        const close = async (): Promise<void> => {
          await events[Symbol.asyncDispose]()
          if (store !== under.store) await store[Symbol.asyncDispose]()
        }
        const subject = { runtime, store, events, another, execute, close }
        opened.push(subject)
        return subject
      }
      try {
        await body(await openOn(under.store, projections))
      } finally {
        for (const subject of opened) await subject.close()
        await under.dispose()
      }
    })
  }
  describe(`${name}: events of one aggregate`, () => streamPromises(promised))
  describe(`${name}: the order of all events`, () => orderPromises(promised))
  describe(`${name}: projections`, () => projectionPromises(promised))
}

type Handle = AggregateHandle<AccountState, AccountEvent | 'nothing', AccountEvent>

function inTransaction<T>(
  { store, events }: EventsUnderTest,
  id: string,
  body: (handle: Handle, tx: Transaction) => Promise<T>,
): Promise<T> {
  return store.transaction(tx => body(events.aggregate(tx, Account, id, cause), tx))
}

function streamPromises(promised: Promised): void {
  promised('events are numbered 1, 2, 3 and carry who did it, why and when', [], async subject => {
    const now = await inTransaction(subject, 'a', async (handle, tx) => {
      await handle.execute(opened('zoë 🦊'))
      await handle.execute(deposited(5))
      return tx.now
    })
    const events = await readEvents(subject.store.reader, Account, 'a')
    assert.equal(new Set(events.map(({ eventId }) => eventId)).size, 2)
    const common = { aggregate: 'account', aggregateId: 'a', timestamp: now, ...cause }
    assert.deepEqual(
      events.map(({ eventId, ...event }) => event),
      [
        { ...opened('zoë 🦊'), ...common, version: 1 },
        { ...deposited(5), ...common, version: 2 },
      ],
    )
  })

  promised('a command gives the new state, its version and the events as they will be read', [], async subject => {
    const result = await inTransaction(subject, 'a', handle => handle.execute(opened()))
    assert.deepEqual(result.state, { id: 'a', owner: 'ann', balance: 0 })
    assert.equal(result.version, 1)
    assert.deepEqual(result.events, await readEvents(subject.store.reader, Account, 'a'))
  })

  promised('a command that changes nothing appends nothing', [], async subject => {
    await subject.execute('a', opened())
    const { version, events } = await inTransaction(subject, 'a', handle => handle.execute('nothing'))
    assert.deepEqual([version, events], [1, []])
  })

  promised('a long history is replayed whole and read from any version', [], async subject => {
    await inTransaction(subject, 'a', handle =>
      handle.append([opened(), ...Array.from({ length: 1_200 }, () => deposited(1))]),
    )
    const { state, version } = await inTransaction(subject, 'a', handle => handle.load())
    assert.deepEqual([state.balance, version], [1_200, 1_201])
    const page = await readEvents(subject.store.reader, Account, 'a', { after: 1_195, limit: 4 })
    assert.deepEqual(
      page.map(event => event.version),
      [1_196, 1_197, 1_198, 1_199],
    )
    assert.deepEqual(await readEvents(subject.store.reader, Account, 'a', { after: 1_201 }), [])
  })

  promised('what a transaction appended goes with it when it is rolled back', [], async subject => {
    await assert.rejects(
      inTransaction(subject, 'a', async handle => {
        await handle.execute(opened())
        throw new Error('no')
      }),
      /no/,
    )
    assert.equal(await versionOf(subject.store.reader, Account, 'a'), 0)
    await subject.execute('a', opened())
    assert.equal(await versionOf(subject.store.reader, Account, 'a'), 1)
  })

  promised('an aggregate to which nothing happened is unknown', [], async subject => {
    const unknown = fault('not_found', 'UNKNOWN_AGGREGATE')
    await assert.rejects(
      inTransaction(subject, 'a', handle => handle.load()),
      unknown,
    )
    await assert.rejects(
      inTransaction(subject, 'a', handle => handle.execute(deposited(1), { expectedVersion: 'existing' })),
      unknown,
    )
    assert.equal(await inTransaction(subject, 'a', handle => handle.find()), undefined)
  })

  promised('only an event that may come first comes first', [], async subject => {
    const impossible = fault('failed_precondition', 'IMPOSSIBLE_FIRST_EVENT')
    await assert.rejects(subject.execute('a', deposited(1)), impossible)
    await assert.rejects(
      inTransaction(subject, 'a', handle => handle.append([deposited(1), opened()])),
      impossible,
    )
    assert.equal(await versionOf(subject.store.reader, Account, 'a'), 0)
  })

  promised('a version that is not the latest is a conflict that no repetition mends', [], async subject => {
    await subject.execute('a', opened())
    await subject.execute('a', deposited(1))
    for (const expectedVersion of [0, 1, 3]) {
      await assert.rejects(
        inTransaction(subject, 'a', handle => handle.execute(deposited(1), { expectedVersion })),
        error => fault('aborted', 'VERSION_CONFLICT')(error) && isFault(error) && !error.retryable,
      )
    }
    const { version } = await inTransaction(subject, 'a', handle =>
      handle.execute(deposited(1), { expectedVersion: 2 }),
    )
    assert.equal(version, 3)
  })

  promised('what can be no version is refused', [], async subject => {
    const illegal = fault('invalid_argument', 'ILLEGAL_VERSION')
    for (const version of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(
        inTransaction(subject, 'a', handle => handle.append([opened()], { expectedVersion: version })),
        illegal,
      )
      await assert.rejects(readEvents(subject.store.reader, Account, 'a', { after: version }), illegal)
    }
  })

  promised('an event or data that the aggregate does not declare is never stored', [], async subject => {
    const strange = { type: 'Robbed', data: {} } as unknown as AccountEvent
    await assert.rejects(subject.execute('a', strange), fault('internal', 'UNKNOWN_EVENT_TYPE'))
    const inherited = { type: 'toString', data: {} } as unknown as AccountEvent
    await assert.rejects(subject.execute('a', inherited), fault('internal', 'UNKNOWN_EVENT_TYPE'))
    await subject.execute('a', opened())
    await assert.rejects(subject.execute('a', deposited(0.5)), fault('internal', 'INVALID_EVENT_DATA'))
    assert.equal(await versionOf(subject.store.reader, Account, 'a'), 1)
  })

  promised('a stored event that the code does not know, or can not read, stops the reader', [], async subject => {
    await subject.execute('a', opened())
    const corrupt = (text: string): Promise<unknown> => subject.store.transaction(tx => tx.run(text))
    const load = (): Promise<unknown> => inTransaction(subject, 'a', handle => handle.load())
    await corrupt(`update trellis_events set data = '{"owner":7}'`)
    await assert.rejects(load(), fault('data_loss', 'INVALID_EVENT_DATA'))
    await corrupt(`update trellis_events set data = '{'`)
    await assert.rejects(load(), fault('data_loss', 'INVALID_EVENT_DATA'))
    await corrupt(`update trellis_events set type = 'Closed', data = '{}'`)
    await assert.rejects(load(), fault('internal', 'UNKNOWN_EVENT_TYPE'))
    await corrupt(`update trellis_events set type = 'Opened', data = '{"owner":"x"}', schema_version = 2`)
    await assert.rejects(load(), fault('internal', 'EVENT_SCHEMA_NEWER'))
    await corrupt(`update trellis_events set version = 2, schema_version = 1`)
    await assert.rejects(load(), fault('data_loss', 'EVENT_STREAM_BROKEN'))
  })

  promised('older data is brought to the present form, and new data is stored in it', [], async ({ store, events }) => {
    const older = { ...Account, events: { ...accountEvents, Opened: accountEvents.Deposited } }
    await store.transaction(tx =>
      events.aggregate(tx, older as never, 'a', cause).append([{ type: 'Opened', data: { amount: 3 } }] as never),
    )
    const Present = aggregate({
      ...Account,
      starts: ['Opened'],
      events: accountEvents,
      upcasters: { Opened: [data => ({ owner: `owner of ${(data as { amount: number }).amount}` })] },
    })
    const read = async (id: string): Promise<unknown> => (await readEvents(store.reader, Present, id))[0]?.data
    assert.deepEqual(await read('a'), { owner: 'owner of 3' })
    await store.transaction(tx => events.aggregate(tx, Present, 'b', cause).execute(opened('bob')))
    assert.deepEqual(await read('b'), { owner: 'bob' })
  })

  promised('of two that create the same aggregate one wins', [], async subject => {
    const other = await subject.another()
    const create = (by: EventsUnderTest): Promise<unknown> =>
      inTransaction(by, 'a', handle => handle.execute(opened(), { expectedVersion: 0 }))
    const results = await Promise.allSettled([create(subject), create(other), create(subject), create(other)])
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const result of results) {
      if (result.status === 'rejected') assert.ok(fault('aborted', 'VERSION_CONFLICT')(result.reason))
    }
    assert.equal(await versionOf(subject.store.reader, Account, 'a'), 1)
  })

  promised('commands that race for one aggregate from several processes all count', [], async subject => {
    const other = await subject.another()
    await subject.execute('a', opened())
    const work = Array.from({ length: 40 }, (_, index) => (index % 2 ? subject : other).execute('a', deposited(1)))
    await Promise.all(work)
    const { state, version } = await inTransaction(subject, 'a', handle => handle.load())
    assert.deepEqual([state.balance, version], [40, 41])
  })
}

/** Takes the first `count` of a subscription. */
async function take<T>(source: AsyncIterable<T>, count: number): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) {
    items.push(item)
    if (items.length === count) break
  }
  return items
}

function assertOrdered(events: readonly PositionedEvent[], first: number): void {
  const versions = new Map<string, number>()
  for (const [index, { position, event }] of events.entries()) {
    assert.equal(position, first + index)
    const before = versions.get(event.aggregateId)
    if (before !== undefined)
      assert.equal(event.version, before + 1, `${event.aggregateId} in the order of its versions`)
    versions.set(event.aggregateId, event.version)
  }
}

function orderPromises(promised: Promised): void {
  promised('a subscriber sees what commits late as well as what overtook it', [], async subject => {
    // The slow transaction appends first and commits last, where the engine lets others commit meanwhile.
    const other = await subject.another()
    const seen = take(subject.events.subscribe([Account]), 3)
    await subject.execute('before', opened())
    let appended = (): void => undefined
    const hasAppended = new Promise<void>(resolve => {
      appended = resolve
    })
    let fast: Promise<unknown> = Promise.resolve()
    const slow = inTransaction(subject, 'slow', async handle => {
      await handle.execute(opened())
      appended()
      // Long enough for the other to commit and for the subscriber to see it; on an engine with one writer the other waits instead.
      await sleep(subject.runtime, 300)
    })
    await hasAppended
    fast = other.execute('fast', opened())
    await Promise.all([slow, fast])
    const events = await seen
    assertOrdered(events, 1)
    assert.deepEqual(events.map(({ event }) => event.aggregateId).sort(), ['before', 'fast', 'slow'])
  })

  promised('many writers in several processes leave one order without gap or double', [], async subject => {
    const other = await subject.another()
    const seen = [take(subject.events.subscribe([Account]), 200), take(other.events.subscribe([Account]), 200)]
    const life = async (by: EventsUnderTest, id: string): Promise<void> => {
      await by.execute(id, opened())
      for (let amount = 1; amount < 10; amount++) await by.execute(id, deposited(amount))
    }
    await Promise.all(Array.from({ length: 20 }, (_, index) => life(index % 2 ? subject : other, `a-${index}`)))
    const [first, second] = await Promise.all(seen)
    assertOrdered(first!, 1)
    assert.deepEqual(second, first)
  })

  promised('a transaction that was rolled back leaves no gap', [], async subject => {
    await subject.execute('a', opened())
    const body = async (handle: Handle): Promise<void> => {
      await handle.execute(opened())
      throw new Error('no')
    }
    await assert.rejects(inTransaction(subject, 'b', body), /no/)
    await subject.execute('c', opened())
    const events = await take(subject.events.subscribe([Account]), 2)
    assert.deepEqual(
      events.map(({ position, event }) => [position, event.aggregateId]),
      [
        [1, 'a'],
        [2, 'c'],
      ],
    )
  })

  promised('a subscription starts behind any position and passes over other families', [], async subject => {
    const Other = aggregate({ ...Account, name: 'other', events: accountEvents, starts: ['Opened'], upcasters: {} })
    await inTransaction(subject, 'a', handle =>
      handle.append([opened(), ...Array.from({ length: 2_500 }, () => deposited(1))]),
    )
    await subject.store.transaction(tx => subject.events.aggregate(tx, Other, 'o', cause).execute(opened()))
    const [last] = await take(subject.events.subscribe([Other]), 1)
    assert.deepEqual([last?.position, last?.event.aggregateId], [2_502, 'o'])
    const behind = await take(subject.events.subscribe([Account], { after: 2_490 }), 11)
    assert.deepEqual([behind[0]?.position, behind[10]?.event.version], [2_491, 2_501])
  })

  promised(
    'the changes of one aggregate come from the version asked for on, from other processes too',
    [],
    async subject => {
      const other = await subject.another()
      await subject.execute('a', opened())
      await subject.execute('a', deposited(1))
      const changes = subject.events.changes(Account, 'a', { after: 1 })
      const next = async (): Promise<number | undefined> => {
        const { value } = await changes.next()
        return value === undefined ? undefined : value.version
      }
      assert.equal(await next(), 2)
      const here = next()
      await subject.execute('b', opened())
      await subject.execute('a', deposited(1))
      assert.equal(await here, 3)
      const there = next()
      await other.execute('a', deposited(1))
      assert.equal(await there, 4)
      await changes.return()
    },
  )

  promised('an abort ends a subscription that waits, and so does closing', [], async subject => {
    const abort = new AbortController()
    const waiting = take(subject.events.subscribe([Account], { signal: abort.signal }), 1)
    const watching = take(subject.events.changes(Account, 'a', { signal: abort.signal }), 1)
    const closing = take(subject.events.subscribe([Account]), 1)
    abort.abort()
    assert.deepEqual([await waiting, await watching], [[], []])
    await subject.events[Symbol.asyncDispose]()
    assert.deepEqual(await closing, [])
  })
}
