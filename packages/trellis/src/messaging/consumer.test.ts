import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { event } from '../contract/index.ts'
import { type Context, causeOf, Fault, type Handler } from '../kernel/index.ts'
import { type ConsumerOptions, consume, createConsumer, declarationOf, handledMessage } from './consumer.ts'
import { createEnvelopes } from './envelope.ts'
import { inboxMark } from './inbox.ts'
import { type Bench, createBench, type End, FakeBroker, FakeDelivery } from './messaging.test-fixture.ts'
import type { Message } from './messaging.ts'

interface Paid {
  readonly n: number
}

const PaidEvent = event<Paid>('test.shop.paid.v1', z.object({ n: z.int32() }))

/** What is needed to hand messages to one handler. */
async function consuming(
  bench: Bench,
  handler: Handler<Paid, void>,
  options: Partial<ConsumerOptions> = {},
): Promise<{
  handle(message: Message, attempt?: number): Promise<End>
  deliver(delivery: FakeDelivery): Promise<End>
}> {
  const broker = new FakeBroker()
  await bench.store.migrate('effects', [
    { name: '1', statements: () => ['create table if not exists effect (n integer not null)'] },
  ])
  await createConsumer(bench.runtime, {
    service: 'payments',
    store: bench.store,
    broker,
    handlers: [consume(PaidEvent, handler)],
    ...options,
  })
  const deliver = (delivery: FakeDelivery): Promise<End> => {
    broker.deliver?.(delivery)
    return delivery.ended
  }
  return { deliver, handle: (message, attempt) => deliver(new FakeDelivery(message, attempt)) }
}

function paid(bench: Bench, n: number): Message {
  return createEnvelopes('orders').wrap(bench.ctx, PaidEvent, { n }, { key: 'k' })
}

async function effect(bench: Bench, ctx: Context, n: number): Promise<void> {
  await bench.store.transaction(async tx => {
    await ctx.get(inboxMark)?.storeIn(tx)
    await tx.run('insert into effect (n) values (?)', n)
  })
}

async function effects(bench: Bench): Promise<number> {
  return (await bench.store.reader.get<{ n: number }>('select count(*) as n from effect'))?.n ?? 0
}

describe('consumer', { timeout: 20_000 }, () => {
  test('a message that comes twice has its effect once', async () => {
    await using bench = await createBench()
    let runs = 0
    const { handle } = await consuming(bench, ({ n }, ctx) => {
      runs++
      return effect(bench, ctx, n)
    })
    const message = paid(bench, 1)
    assert.deepEqual(await handle(message), { kind: 'ack' })
    assert.deepEqual(await handle(message), { kind: 'ack' })
    assert.deepEqual([runs, await effects(bench)], [1, 1])
  })

  test('two consumers that handle a message at once have its effect once, and both acknowledge', async () => {
    await using bench = await createBench()
    const both = Promise.withResolvers<void>()
    let runs = 0
    const { handle } = await consuming(bench, async ({ n }, ctx) => {
      if (++runs === 2) both.resolve()
      await both.promise
      await effect(bench, ctx, n)
    })
    const message = paid(bench, 1)
    assert.deepEqual(await Promise.all([handle(message), handle(message)]), [{ kind: 'ack' }, { kind: 'ack' }])
    assert.equal(await effects(bench), 1)
  })

  test('a handler without a transaction is marked after it returned', async () => {
    await using bench = await createBench()
    let runs = 0
    const { handle } = await consuming(bench, async () => {
      runs++
    })
    const message = paid(bench, 1)
    await handle(message)
    await handle(message)
    assert.equal(runs, 1)
  })

  test('a handler that fails is retried, and nothing of its transaction stays', async () => {
    await using bench = await createBench()
    const failures: string[] = []
    const { handle } = await consuming(
      bench,
      async ({ n }, ctx) => {
        await effect(bench, ctx, n)
        throw new Fault('unavailable', 'Down.')
      },
      { onFailure: ({ decision, attempt }) => failures.push(`${decision} ${attempt}`) },
    )
    const message = paid(bench, 1)
    const first = await handle(message)
    assert.equal(first.kind, 'nack')
    // Its transaction had committed before it failed: the retry finds the mark.
    assert.deepEqual(await handle(message, 2), { kind: 'ack' })
    assert.equal(await effects(bench), 1)
    assert.deepEqual(failures, ['retry 1'])
  })

  test('an unknown error becomes a fault without details, and a dead letter after its attempts', async () => {
    await using bench = await createBench()
    const { handle } = await consuming(bench, () => {
      throw new Error('secret')
    })
    const message = paid(bench, 1)
    const first = await handle(message)
    assert.ok(first.kind === 'nack' && first.cause.code === 'internal' && !first.cause.message.includes('secret'))
    assert.equal((await handle(message, 14)).kind, 'dead')
  })

  test('a second transaction makes a dead letter at once: the rest of the handler would be lost', async () => {
    await using bench = await createBench()
    const { handle } = await consuming(bench, async ({ n }, ctx) => {
      await effect(bench, ctx, n)
      await effect(bench, ctx, n + 1)
    })
    const end = await handle(paid(bench, 1))
    assert.ok(end.kind === 'dead' && end.cause.reason === 'SECOND_TRANSACTION')
    assert.equal(await effects(bench), 1)
  })

  test('what cannot be read is a dead letter at once', async () => {
    await using bench = await createBench()
    const { handle } = await consuming(bench, () => assert.fail('must not run'))
    for (const [data, reason] of [
      ['{"n":', 'INVALID_JSON'],
      ['{"n":"x"}', 'INVALID_INPUT'],
      ['{"n":1,"n":2}', 'INVALID_JSON'],
      ['', 'INVALID_JSON'],
    ] as const) {
      const end = await handle({ ...paid(bench, 1), data })
      assert.ok(end.kind === 'dead', data)
      assert.equal(end.cause.reason, reason)
    }
  })

  test('members that the schema does not know pass, so that a newer publisher may add some', async () => {
    await using bench = await createBench()
    const { handle } = await consuming(bench, async () => undefined)
    assert.deepEqual(await handle({ ...paid(bench, 1), data: '{"n":1,"later":true}' }), { kind: 'ack' })
  })

  test('the trace, the correlation and the actor of the publisher go on', async () => {
    await using bench = await createBench()
    const seen = Promise.withResolvers<Context>()
    const { handle } = await consuming(bench, async (_, ctx) => seen.resolve(ctx))
    const message = paid(bench, 1)
    await handle(message, 3)
    const ctx = await seen.promise
    assert.equal(ctx.trace.traceId, bench.ctx.trace.traceId)
    assert.equal(ctx.trace.spanId, bench.ctx.trace.spanId)
    assert.equal(ctx.trace.remote, true)
    const { correlationId, causationId, actor } = causeOf(ctx)
    assert.deepEqual(
      [correlationId, causationId, actor],
      [message.attributes.correlationid, message.id, message.attributes.actor],
    )
    assert.deepEqual([ctx.identity?.kind, ctx.identity?.subject], ['service', 'orders'])
    assert.deepEqual(ctx.get(handledMessage), { message, attempt: 3, group: 'payments' })
  })

  test('a handler that takes too long is cancelled and retried, and what it commits later counts once', async () => {
    await using bench = await createBench()
    const late = Promise.withResolvers<void>()
    const { handle } = await consuming(
      bench,
      async ({ n }, ctx) => {
        if (ctx.get(handledMessage)?.attempt === 1) await late.promise
        await effect(bench, ctx, n)
      },
      { timeoutMs: 20 },
    )
    const message = paid(bench, 1)
    const first = await handle(message)
    assert.ok(first.kind === 'nack' && first.cause.code === 'deadline_exceeded')
    late.resolve()
    assert.deepEqual(await handle(message, 2), { kind: 'ack' })
    assert.equal(await effects(bench), 1)
  })

  test('a handler whose lease is lost is cancelled', async () => {
    await using bench = await createBench()
    const { deliver } = await consuming(bench, (_, ctx) => new Promise((_, reject) => ctx.onCancelled(reject)))
    const delivery = new FakeDelivery(paid(bench, 1))
    const ended = deliver(delivery)
    delivery.lease.abort(new Fault('aborted', 'Elsewhere.', { reason: 'LEASE_LOST' }))
    const end = await ended
    assert.ok(end.kind === 'nack' && end.cause.reason === 'LEASE_LOST')
  })

  test('a message over which consumers keep dying is set aside without another attempt', async () => {
    await using bench = await createBench()
    let runs = 0
    const { deliver } = await consuming(bench, async () => {
      runs++
    })
    const deadly = Object.assign(new FakeDelivery(paid(bench, 1), 11), { deaths: 10 })
    const end = await deliver(deadly)
    assert.ok(end.kind === 'dead' && end.cause.reason === 'CONSUMER_DIED')
    assert.equal(runs, 0)
    assert.deepEqual(await deliver(Object.assign(new FakeDelivery(paid(bench, 2), 10), { deaths: 9 })), { kind: 'ack' })
  })

  test('stops in its time also while the broker takes nothing back, and says so', async () => {
    await using bench = await createBench()
    const never = new Promise<void>(() => undefined)
    const broker = new FakeBroker()
    broker.subscribe = () => Promise.resolve({ stop: () => never, [Symbol.asyncDispose]: () => never })
    const faults: Fault[] = []
    const consumer = await createConsumer(bench.runtime, {
      service: 'payments',
      store: bench.store,
      broker,
      handlers: [consume(PaidEvent, async () => undefined)],
      stopGraceMs: 5,
      onFault: fault => faults.push(fault),
    })
    await consumer.stop()
    assert.deepEqual(
      faults.map(({ reason }) => reason),
      ['NOT_HANDED_BACK'],
    )
  })

  test('two handlers of one topic need groups of their own', async () => {
    const handlers = [consume(PaidEvent, async () => undefined), consume(PaidEvent, async () => undefined)]
    await using bench = await createBench()
    const options = { service: 's', store: bench.store, broker: new FakeBroker(), handlers }
    await assert.rejects(createConsumer(bench.runtime, options), TypeError)
    assert.deepEqual(
      declarationOf('s', [handlers[0] as never, consume(PaidEvent, async () => undefined, { group: 's-2' })])[1],
      [
        { group: 's', topics: [PaidEvent.name] },
        { group: 's-2', topics: [PaidEvent.name] },
      ],
    )
  })
})
