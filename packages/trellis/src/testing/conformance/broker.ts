/**
 * The promises of the Broker port as tests. Every engine runs this kit; what it does not pass is not a broker. An engine without a capability skips what
 * needs it, and says so in the test's name.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault, isFault } from '../../kernel/index.ts'
import type { Broker, Delivery, Message } from '../../messaging/index.ts'
import { acknowledge, collect, hold } from './deliveries.ts'

/** An empty engine. */
export interface BrokerUnderTest {
  /** A broker on the engine, as a process of its own would open it. */
  open(): Promise<Broker>
  /** Ends a broker as `kill -9` of its process would: nothing is handed back, nothing more is written. */
  kill(broker: Broker): Promise<void>
  /** Closes what is open and removes everything. */
  dispose(): Promise<void>
}

const EVENT = { name: 'kit.event', kind: 'event' } as const
const OTHER = { name: 'kit.other', kind: 'event' } as const
const REQUEST = { name: 'kit.request', kind: 'message' } as const
const FAULT = new Fault('unavailable', 'The dependency is down; try again.', { reason: 'KIT_DOWN' })

/** Registers the tests of one engine with `node:test`. `prepare` is called for each test. */
export function brokerConformance(name: string, prepare: () => Promise<BrokerUnderTest>): void {
  describe(`${name}: broker`, () => {
    const promise = (title: string, body: (broker: Broker, subject: BrokerUnderTest) => Promise<void>): void => {
      test(title, { timeout: 60_000 }, async () => {
        const subject = await prepare()
        try {
          const broker = await subject.open()
          await broker.declare(
            [EVENT, OTHER, REQUEST],
            [
              { group: 'one', topics: [EVENT.name, OTHER.name] },
              { group: 'two', topics: [EVENT.name] },
            ],
          )
          await body(broker, subject)
        } finally {
          await subject.dispose()
        }
      })
    }

    describe('publishing', () => {
      promise('a message arrives as it was sent', async broker => {
        const got = await collect(broker, { topics: [EVENT.name], group: 'one' })
        const sent = newMessage('m-1', 'k', {
          source: 'käufer',
          time: 1_700_000_000_123,
          key: 'schlüssel/🔑 "x"',
          data: JSON.stringify({ text: 'Ünïcödé 🎈 \u2028 \ud800 \0', n: 1.5 }),
          attributes: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, 'schema-version': '2' },
        })
        await broker.publish([sent])
        const delivery = await got.nth(1)
        assert.deepEqual(delivery.message, sent)
        assert.equal(delivery.attempt, 1)
      })

      promise('a message without a key arrives without one', async broker => {
        const got = await collect(broker, { topics: [EVENT.name], group: 'one' })
        await broker.publish([newMessage('m-1', undefined)])
        assert.equal((await got.nth(1)).message.key, undefined)
      })

      promise('a message of 1 MiB arrives whole', async broker => {
        const got = await collect(broker, { topics: [EVENT.name], group: 'one' })
        const data = JSON.stringify('x'.repeat(1024 * 1024 - 2))
        await broker.publish([newMessage('m-1', 'k', { data })])
        assert.equal((await got.nth(1)).message.data, data)
      })

      promise('attribute values with line ends, quotes and unicode arrive unchanged', async broker => {
        const got = await collect(broker, { topics: [EVENT.name], group: 'one' })
        const attributes = {
          actor: 'a\r\nx-injected: 1',
          constructor: '"; drop table',
          tostring: '日本 %0d%0a \t',
          empty: '',
        }
        await broker.publish([newMessage('m-1', 'k', { attributes })])
        assert.deepEqual({ ...(await got.nth(1)).message.attributes }, attributes)
      })

      promise('what an engine would change is refused, and nothing of that call is published', async broker => {
        const got = await collect(broker, { topics: [EVENT.name], group: 'one' })
        const hostile: Partial<Message>[] = [
          { attributes: { 'two\r\nlines': 'x' } },
          { attributes: { 'Upper-Case': 'x' } },
          { attributes: { '': 'x' } },
          { attributes: { nul: 'a\0b' } },
          { attributes: { half: '\ud800' } },
          { key: '' },
          { key: '\ud800' },
          { key: 'k'.repeat(256) },
          { id: '' },
          { time: Number.NaN },
          { deliverAt: Number.POSITIVE_INFINITY },
        ]
        for (const wrong of hostile)
          await assert.rejects(broker.publish([newMessage('good', 'k'), newMessage('bad', 'k', wrong)]), error =>
            isFault(error, 'INVALID_MESSAGE'),
          )
        await broker.publish([newMessage('last', 'k')])
        assert.equal((await got.nth(1)).message.id, 'last')
      })

      promise('a topic that nobody declared is refused', async broker => {
        await assert.rejects(broker.publish([newMessage('m-1', 'k', { topic: 'kit.unknown' })]), error =>
          isFault(error, 'UNKNOWN_TOPIC'),
        )
      })

      promise('what was published is there after the publisher died', async (broker, subject) => {
        await broker.publish([newMessage('m-1', 'k'), newMessage('m-2', 'k')])
        await subject.kill(broker)
        const got = await collect(await subject.open(), { topics: [EVENT.name], group: 'one' })
        await got.nth(2)
        assert.deepEqual(got.ids, ['m-1', 'm-2'])
      })

      promise('a consumer in another process hears of it', async (broker, subject) => {
        const got = await collect(await subject.open(), { topics: [EVENT.name], group: 'one' })
        await broker.publish([newMessage('m-1', 'k')])
        assert.equal((await got.nth(1)).message.id, 'm-1')
      })

      promise('nothing to publish is no failure', broker => broker.publish([]))
    })

    describe('order and sharing', () => {
      promise(
        'messages of one key are handled one after the other, in order, and different keys at once',
        async broker => {
          const inFlight = new Map<string, number>()
          const handled = new Map<string, number[]>()
          let most = 0
          const got = await collect(broker, { topics: [EVENT.name], group: 'one', concurrency: 16 }, delivery => {
            const key = delivery.message.key as string
            const now = (inFlight.get(key) ?? 0) + 1
            assert.equal(now, 1, `${key} is handled ${now} times at once`)
            inFlight.set(key, now)
            most = Math.max(
              most,
              [...inFlight.values()].reduce((a, b) => a + b, 0),
            )
            handled.set(key, [...(handled.get(key) ?? []), JSON.parse(delivery.message.data)])
            setImmediate(() => {
              inFlight.set(key, 0)
              acknowledge(delivery)
            })
          })
          const messages = Array.from({ length: 400 }, (_, n) => newMessage(`m-${n}`, `k-${n % 20}`, { data: `${n}` }))
          for (let n = 0; n < messages.length; n += 40) await broker.publish(messages.slice(n, n + 40))
          await got.nth(400)
          for (const [key, numbers] of handled)
            assert.deepEqual(
              numbers,
              numbers.toSorted((a, b) => a - b),
              key,
            )
          assert.ok(most > 1, 'keys were handled one by one')
        },
      )

      promise('every group gets every event, and one that does not answer holds no other back', async broker => {
        const stuck = await collect(broker, { topics: [EVENT.name], group: 'one', concurrency: 1 }, hold)
        const lively = await collect(broker, { topics: [EVENT.name], group: 'two' })
        await broker.publish(Array.from({ length: 50 }, (_, n) => newMessage(`m-${n}`, 'k')))
        await lively.nth(50)
        assert.deepEqual((await stuck.nth(1)).message.id, 'm-0')
        assert.equal(stuck.all.length, 1)
        acknowledge(stuck.all[0] as Delivery)
      })

      promise('a group follows several topics', async broker => {
        const got = await collect(broker, { topics: [EVENT.name, OTHER.name], group: 'one' })
        await broker.publish([newMessage('m-1', 'k'), newMessage('m-2', 'k', { topic: OTHER.name })])
        await got.nth(2)
        assert.deepEqual(new Set(got.all.map(delivery => delivery.message.topic)), new Set([EVENT.name, OTHER.name]))
      })

      promise('consumers of one group in several processes share the messages', async (broker, subject) => {
        const first = await collect(broker, { topics: [EVENT.name], group: 'one' })
        const second = await collect(await subject.open(), { topics: [EVENT.name], group: 'one' })
        const third = await collect(broker, { topics: [EVENT.name], group: 'one' })
        const got = [first, second, third]
        const seen = (): number => new Set(got.flatMap(({ ids }) => ids)).size
        let published = 0
        // Partitions are handed over while this goes on.
        while (got.some(({ all }) => all.length === 0)) {
          await broker.publish(Array.from({ length: 16 }, () => newMessage(`m-${published}`, `k-${published++}`)))
          while (seen() < published) await new Promise(resolve => setImmediate(resolve))
        }
        assert.equal(seen(), published)
      })

      promise('the order of a key outlives a change of consumers', async (broker, subject) => {
        const seen = new Map<string, number[]>()
        const finished = Promise.withResolvers<void>()
        const total = 300
        const unique = new Set<string>()
        const handle = (delivery: Delivery): void => {
          const { key, id, data } = delivery.message
          // A message that comes again after a hand-over is dropped by its id, as an inbox does.
          if (!unique.has(id)) seen.set(key as string, [...(seen.get(key as string) ?? []), JSON.parse(data)])
          unique.add(id)
          acknowledge(delivery)
          if (unique.size === total) finished.resolve()
        }
        const first = await collect(broker, { topics: [EVENT.name], group: 'one', concurrency: 4 }, handle)
        const other = await subject.open()
        for (let n = 0; n < total; n++) {
          if (n === 50) await collect(other, { topics: [EVENT.name], group: 'one', concurrency: 4 }, handle)
          if (n === 150) await first.subscription?.stop()
          await other.publish([newMessage(`m-${n}`, `k-${n % 10}`, { data: `${n}` })])
        }
        await finished.promise
        for (const [key, numbers] of seen)
          assert.deepEqual(
            numbers,
            numbers.toSorted((a, b) => a - b),
            key,
          )
      })

      promise('no more than `concurrency` deliveries are in flight', async broker => {
        let inFlight = 0
        let most = 0
        const got = await collect(broker, { topics: [EVENT.name], group: 'one', concurrency: 3 }, delivery => {
          most = Math.max(most, ++inFlight)
          setImmediate(() => {
            inFlight--
            acknowledge(delivery)
          })
        })
        await broker.publish(Array.from({ length: 100 }, (_, n) => newMessage(`m-${n}`, `k-${n}`)))
        await got.nth(100)
        assert.equal(most, 3)
      })
    })

    describe('acknowledging', () => {
      promise('what was acknowledged does not come again after the consumer died', async (broker, subject) => {
        const got = await collect(broker, { topics: [EVENT.name], group: 'one' }, hold)
        // The later one is settled first: what is open below it must not be forgotten, nor the later one repeated.
        await broker.publish([newMessage('open', 'a'), newMessage('done', 'b'), newMessage('next', 'a')])
        await (await got.of('done')).ack()
        await got.of('open')
        await subject.kill(broker)
        const other = await subject.open()
        const after = await collect(other, { topics: [EVENT.name], group: 'one' })
        await other.publish([newMessage('last', 'b')])
        await Promise.all(['open', 'next', 'last'].map(id => after.of(id)))
        assert.deepEqual(after.ids.toSorted(), ['last', 'next', 'open'])
        assert.ok(after.ids.indexOf('open') < after.ids.indexOf('next'))
      })

      promise('what a dead consumer had in flight comes again elsewhere', async (broker, subject) => {
        const other = await subject.open()
        const first = await collect(broker, { topics: [EVENT.name], group: 'one' }, hold)
        await broker.publish(Array.from({ length: 40 }, (_, n) => newMessage(`m-${n}`, `k-${n % 7}`)))
        await first.nth(7)
        await subject.kill(broker)
        const second = await collect(other, { topics: [EVENT.name], group: 'one' })
        await second.until(({ ids }) => new Set(ids).size === 40)
      })

      promise('a delivery ends once', async broker => {
        const got = await collect(broker, { topics: [EVENT.name], group: 'one' }, hold)
        await broker.publish([newMessage('m-1', 'k')])
        const delivery = await got.nth(1)
        await delivery.ack()
        await assert.rejects(delivery.ack(), error => isFault(error, 'DELIVERY_ENDED'))
        await assert.rejects(delivery.nack({ delayMs: 0, cause: FAULT }), error => isFault(error, 'DELIVERY_ENDED'))
        await assert.rejects(delivery.deadLetter(FAULT), error => isFault(error, 'DELIVERY_ENDED'))
      })

      promise('stop waits for what is in flight and takes no more', async (broker, subject) => {
        const got = await collect(broker, { topics: [EVENT.name], group: 'one', concurrency: 2 }, hold)
        await broker.publish(Array.from({ length: 6 }, (_, n) => newMessage(`m-${n}`, `k-${n}`)))
        await got.nth(2)
        let stopped = false
        const stopping = got.subscription?.stop().then(() => {
          stopped = true
        })
        const [a, b] = got.all as [Delivery, Delivery]
        await a.ack()
        assert.equal(stopped, false)
        await b.ack()
        await stopping
        assert.equal(got.all.length, 2)
        const rest = await collect(await subject.open(), { topics: [EVENT.name], group: 'one' })
        await rest.nth(4)
        assert.equal(new Set([...got.ids, ...rest.ids]).size, 6)
      })
    })

    describe('failing', () => {
      promise('a message that waits for its retry holds back its own key and no other', async broker => {
        const delayMs = 300
        let nackedAt = 0
        let againAt = 0
        const got = await collect(broker, { topics: [EVENT.name], group: 'one' }, delivery => {
          if (delivery.message.id === 'a-1' && delivery.attempt === 1) {
            nackedAt = performance.now()
            delivery.nack({ delayMs, cause: FAULT }).catch(() => undefined)
            return
          }
          if (delivery.message.id === 'a-1') againAt = performance.now()
          acknowledge(delivery)
        })
        await broker.publish([newMessage('a-1', 'a'), newMessage('a-2', 'a'), newMessage('b-1', 'b')])
        await got.of('b-1')
        await broker.publish([newMessage('a-3', 'a'), newMessage('b-2', 'b'), newMessage('c-1', undefined)])
        await got.of('a-3')
        assert.deepEqual(
          got.ids.filter(id => id.startsWith('a')),
          ['a-1', 'a-1', 'a-2', 'a-3'],
        )
        assert.equal(got.all.find(({ message, attempt }) => message.id === 'a-1' && attempt === 2)?.attempt, 2)
        const second = got.ids.lastIndexOf('a-1')
        for (const id of ['b-1', 'b-2', 'c-1']) assert.ok(got.ids.indexOf(id) < second, `${id} waited`)
        assert.ok(againAt - nackedAt >= delayMs - 2, `came again after ${againAt - nackedAt} ms`)
      })

      promise(
        'attempts, their history and the order of the key survive the death of the consumer',
        async (broker, subject) => {
          const got = await collect(broker, { topics: [EVENT.name], group: 'one' }, hold)
          await broker.publish([newMessage('a-1', 'a'), newMessage('a-2', 'a')])
          await (await got.nth(1)).nack({ delayMs: 0, cause: FAULT })
          await (await got.nth(2)).nack({ delayMs: 100, cause: FAULT })
          await subject.kill(broker)
          const other = await subject.open()
          const after = await collect(other, { topics: [EVENT.name], group: 'one' }, hold)
          await other.publish([newMessage('a-3', 'a')])
          const third = await after.nth(1)
          assert.deepEqual([third.message.id, third.attempt], ['a-1', 3])
          await third.deadLetter(new Fault('invalid_argument', 'No.', { reason: 'KIT_NO' }))
          await (await after.nth(2)).ack()
          await (await after.nth(3)).ack()
          assert.deepEqual(after.ids, ['a-1', 'a-2', 'a-3'])
          const [dead] = await other.admin.deadLetters({})
          assert.deepEqual(
            dead?.history.map(({ code, reason }) => [code, reason]),
            [
              ['unavailable', 'KIT_DOWN'],
              ['unavailable', 'KIT_DOWN'],
              ['invalid_argument', 'KIT_NO'],
            ],
          )
        },
      )

      promise(
        'a dead letter is kept with its message and cause, for its group alone, and releases its key',
        async broker => {
          const cause = new Fault('invalid_argument', 'No such thing; correct it.', { reason: 'KIT_NO' })
          const bad = newMessage('bad', 'k', {
            attributes: { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` },
          })
          const one = await collect(broker, { topics: [EVENT.name], group: 'one' }, delivery => {
            if (delivery.message.id === 'bad') delivery.deadLetter(cause).catch(() => undefined)
            else acknowledge(delivery)
          })
          const two = await collect(broker, { topics: [EVENT.name], group: 'two' })
          await broker.publish([bad, newMessage('good', 'k')])
          await one.of('good')
          await two.nth(2)
          const dead = await broker.admin.deadLetters({})
          assert.equal(dead.length, 1)
          assert.deepEqual(dead[0]?.message, bad)
          assert.equal(dead[0]?.group, 'one')
          assert.deepEqual(
            [dead[0]?.cause.code, dead[0]?.cause.reason, dead[0]?.cause.message],
            [cause.code, cause.reason, cause.message],
          )
          assert.deepEqual(await broker.admin.deadLetters({ group: 'two' }), [])
          assert.deepEqual(await broker.admin.deadLetters({ topic: OTHER.name }), [])
          assert.equal((await broker.admin.deadLetters({ id: dead[0]?.id as string })).length, 1)
        },
      )

      promise(
        'a redriven dead letter comes back to its group alone, with its id, and is no dead letter any more',
        async broker => {
          let dead = true
          const one = await collect(broker, { topics: [EVENT.name], group: 'one' }, delivery => {
            if (dead) delivery.deadLetter(FAULT).catch(() => undefined)
            else acknowledge(delivery)
          })
          const two = await collect(broker, { topics: [EVENT.name], group: 'two' })
          await broker.publish([newMessage('m-1', 'k'), newMessage('m-2', undefined)])
          await one.nth(2)
          await two.nth(2)
          const letters = await untilDead(broker, 2)
          dead = false
          assert.equal(await broker.admin.redrive([...letters, '999999']), 2)
          await one.nth(4)
          assert.deepEqual(one.ids.slice(2).toSorted(), ['m-1', 'm-2'])
          assert.deepEqual(await broker.admin.deadLetters({}), [])
          await broker.publish([newMessage('m-3', 'k')])
          await two.nth(3)
          assert.equal(two.ids.at(-1), 'm-3')
        },
      )

      promise('a dropped dead letter is gone', async broker => {
        await collect(broker, { topics: [EVENT.name], group: 'one' }, delivery => {
          delivery.deadLetter(FAULT).catch(() => undefined)
        })
        await broker.publish([newMessage('m-1', 'k'), newMessage('m-2', 'k')])
        const letters = await untilDead(broker, 2)
        assert.equal((await broker.admin.deadLetters({ limit: 1 })).length, 1)
        assert.equal(await broker.admin.drop(letters), 2)
        assert.deepEqual(await broker.admin.deadLetters({}), [])
        assert.equal(await broker.admin.drop(letters), 0)
      })
    })

    describe('time', () => {
      promise('a delayed message comes at its time and holds nothing back before', async broker => {
        const got = await collect(broker, { topics: [EVENT.name], group: 'one' })
        const deliverAt = Date.now() + 300
        await broker.publish([newMessage('later', 'k', { deliverAt }), newMessage('now', 'k')])
        await got.of('later')
        assert.ok(Date.now() >= deliverAt, `${deliverAt - Date.now()} ms too early`)
        assert.deepEqual(got.ids, ['now', 'later'])
      })

      promise('a delayed message survives the death of its publisher', async (broker, subject) => {
        await broker.publish([newMessage('later', 'k', { deliverAt: Date.now() + 200 })])
        await subject.kill(broker)
        const got = await collect(await subject.open(), { topics: [EVENT.name], group: 'one' })
        assert.equal((await got.nth(1)).message.id, 'later')
      })
    })

    describe('topics, groups and what a person sees', () => {
      promise('declaring again changes nothing, and another kind is refused', async broker => {
        await broker.publish([newMessage('m-1', 'k')])
        await broker.declare([EVENT], [{ group: 'one', topics: [EVENT.name] }])
        const got = await collect(broker, { topics: [EVENT.name], group: 'one' })
        assert.equal((await got.nth(1)).message.id, 'm-1')
        await assert.rejects(broker.declare([{ name: EVENT.name, kind: 'message' }], []), error =>
          isFault(error, 'TOPIC_KIND_CHANGED'),
        )
      })

      promise('a one-way message has one group, which gets what was sent before it came', async broker => {
        await broker.publish([newMessage('m-1', 'k', { topic: REQUEST.name })])
        const got = await collect(broker, { topics: [REQUEST.name], group: 'worker' })
        assert.equal((await got.nth(1)).message.id, 'm-1')
        await assert.rejects(broker.subscribe({ topics: [REQUEST.name], group: 'second' }, acknowledge), error =>
          isFault(error, 'MESSAGE_HAS_ONE_GROUP'),
        )
      })

      promise('a new group starts where it asks to', async broker => {
        await broker.publish([newMessage('old', 'k')])
        const early = await collect(broker, { topics: [EVENT.name], group: 'early', from: 'earliest' })
        const late = await collect(broker, { topics: [EVENT.name], group: 'late' })
        await broker.publish([newMessage('new', 'k')])
        await early.nth(2)
        await late.nth(1)
        assert.deepEqual([early.ids, late.ids], [['old', 'new'], ['new']])
      })

      promise('lag counts what is not settled, per group and topic', async broker => {
        const lagOf = async (group: string): Promise<number | undefined> =>
          (await broker.admin.lag()).find(lag => lag.group === group && lag.topic === EVENT.name)?.messages
        await broker.publish(Array.from({ length: 5 }, (_, n) => newMessage(`m-${n}`, `k-${n}`)))
        assert.deepEqual([await lagOf('one'), await lagOf('two')], [5, 5])
        const got = await collect(broker, { topics: [EVENT.name], group: 'one' }, hold)
        await got.nth(5)
        await got.all[0]?.nack({ delayMs: 60_000, cause: FAULT })
        await got.all[1]?.deadLetter(FAULT)
        for (const delivery of got.all.slice(2)) await delivery.ack()
        assert.deepEqual([await lagOf('one'), await lagOf('two')], [1, 5])
        const [lag] = (await broker.admin.lag()).filter(({ messages }) => messages > 0)
        assert.ok(lag !== undefined && lag.oldestMs >= 0 && lag.oldestMs < 60_000)
      })
    })
  })
}

let sequence = 0

function newMessage(id: string, key: string | undefined, rest: Partial<Message> = {}): Message {
  return {
    id,
    topic: EVENT.name,
    source: 'kit',
    time: 1_700_000_000_000 + sequence++,
    key,
    data: '{}',
    attributes: {},
    ...rest,
  }
}

/** Ids of the dead letters, once there are `count`. */
async function untilDead(broker: Broker, count: number): Promise<string[]> {
  for (;;) {
    const letters = await broker.admin.deadLetters({})
    if (letters.length >= count) return letters.map(({ id }) => id)
    await new Promise(resolve => setImmediate(resolve))
  }
}
