/**
 * A small system in one process: a service that publishes (outbox, relay, timers), a broker on SQLite, a service that consumes (inbox, effects). It works through
 * a fixed list of things to say, kills itself at the place that it is told, and when started again goes on from what is durable.
 */
import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { event } from '../../contract/index.ts'
import { CallContext, createRuntime, Fault, type Runtime } from '../../kernel/index.ts'
import {
  backoff,
  type Consumer,
  type CrashHook,
  consume,
  createConsumer,
  createEnvelopes,
  createOutbox,
  createRelay,
  createTimers,
  handledMessage,
  inboxMark,
  type Message,
  type Relay,
  type Timers,
} from '../../messaging/index.ts'
import { createStoreBroker, type StoreBroker } from '../../messaging/store-broker/index.ts'
import type { Store } from '../../store/index.ts'
import { openSqlite } from '../../store/sqlite/index.ts'
import { DELAY_MS, kindOf, LEASE_MS, SAID, type Said, THINGS } from './plan.ts'

const [folder = '', instance = '', point = '', hit = '0'] = process.argv.slice(2)

const Happened = event<Said>(SAID, z.object({ n: z.int32(), kind: z.string() }))

let hits = 0
const crashPoint: CrashHook = name => {
  if (name === point && ++hits === Number(hit) && claimDeath()) process.kill(process.pid, 'SIGKILL')
}

/** One process dies, the first that gets there; its peer and its next life go on. */
function claimDeath(): boolean {
  try {
    closeSync(openSync(join(folder, 'died'), 'wx'))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Failures that are retried are part of the plan; what breaks the test shows in its outcome. */
const onFault = (fault: Fault): void => {
  if (fault.code === 'internal') console.error(fault)
}

async function main(): Promise<void> {
  const runtime = createRuntime()
  const platform = await openSqlite(runtime, { path: join(folder, 'platform.db') })
  const source = await openSqlite(runtime, { path: join(folder, 'source.db') })
  const sink = await openSqlite(runtime, { path: join(folder, 'sink.db') })
  await source.migrate('said', [{ name: '1', statements: () => ['create table said (n integer primary key)'] }])
  await sink.migrate('effects', [
    {
      name: '1',
      statements: ({ types: { serial } }) => [
        `create table effect (position ${serial}, n integer not null)`,
        'create table cured (n integer primary key)',
      ],
    },
  ])
  const broker = await createStoreBroker(runtime, {
    store: platform,
    wakePath: join(folder, 'platform.wake'),
    leaseMs: LEASE_MS,
    retentionMs: 0,
    retainPerPartition: 0,
    instance,
    onFault,
    crashPoint,
  })
  await broker.declare([{ name: SAID, kind: 'event' }], [{ group: 'sink', topics: [SAID] }])
  const outbox = createOutbox({ crashPoint })
  const relay = await createRelay(runtime, {
    store: source,
    broker,
    outbox,
    instance,
    leaseMs: LEASE_MS,
    maxAttempts: 2,
    onFault,
    crashPoint,
  })
  const timers = await createTimers(runtime, { store: source, outbox, onFault, crashPoint })
  const consumer = await consumeInto(runtime, sink, broker)
  const speak = async (): Promise<boolean> =>
    source.transaction(async tx => {
      const last = await tx.get<{ n: number | null }>('select max(n) as n from said')
      const n = (last?.n ?? -1) + 1
      if (n >= THINGS) return false
      await tx.run('insert into said (n) values (?)', n)
      const message = toMessage(runtime, n)
      const kind = kindOf(n)
      if (kind === 'timer') await timers.schedule(tx, message, { afterMs: 30 })
      else if (kind === 'delayed') await outbox.add(tx, [{ ...message, deliverAt: tx.now + DELAY_MS }])
      else if (kind === 'poison') await outbox.add(tx, [{ ...message, topic: 'crash.nobody.v1' }])
      else await outbox.add(tx, [message])
      return true
    })
  while (await speak());
  await finish({ platform, source, sink, broker, relay, timers, consumer })
}

function toMessage(runtime: Runtime, n: number): Message {
  const kind = kindOf(n)
  const key = kind === 'plain' || kind === 'flaky' ? `k-${n % 3}` : undefined
  const ctx = new CallContext(runtime)
  return createEnvelopes('source').wrap(ctx, Happened, { n, kind }, key === undefined ? {} : { key })
}

function consumeInto(runtime: Runtime, sink: Store, broker: StoreBroker): Promise<Consumer> {
  return createConsumer(runtime, {
    service: 'sink',
    store: sink,
    broker,
    onFault,
    crashPoint,
    retry: backoff({ baseMs: 20, permanentAttempts: 2 }),
    handlers: [
      consume(Happened, async ({ n, kind }, ctx) => {
        if (kind === 'flaky' && ctx.get(handledMessage)?.attempt === 1)
          throw new Fault('unavailable', 'Fails the first time.', { reason: 'FLAKY' })
        await sink.transaction(async tx => {
          await ctx.get(inboxMark)?.storeIn(tx)
          await tx.run('insert into effect (n) values (?)', n)
          if (kind === 'ill' && (await tx.get('select n from cured where n = ?', n)) === undefined)
            throw new Fault('invalid_argument', 'Fails until it is cured.', { reason: 'ILL' })
        })
      }),
    ],
  })
}

interface Parts {
  readonly platform: Store
  readonly source: Store
  readonly sink: Store
  readonly broker: StoreBroker
  readonly relay: Relay
  readonly timers: Timers
  readonly consumer: Consumer
}

/** Cures and redrives what was set aside, trims, and ends when nothing is left to do anywhere. */
async function finish({ platform, source, sink, broker, relay, timers, consumer }: Parts): Promise<void> {
  for (;;) {
    for (const { id, message } of await broker.admin.deadLetters({})) {
      const { n } = JSON.parse(message.data) as Said
      await sink.transaction(tx => tx.run(sink.dialect.insertOrIgnore('cured', ['n']), n))
      await broker.admin.redrive([id])
    }
    await broker.trim()
    const left = await source.reader.get<{ left: number }>(
      'select (select count(*) from outbox) + (select count(*) from timer) as "left"',
    )
    const delayed = await platform.reader.get<{ left: number }>('select count(*) as "left" from broker_delayed')
    const lag = (await broker.admin.lag()).reduce((sum, { messages }) => sum + messages, 0)
    const dead = (await broker.admin.deadLetters({})).length
    if (left?.left === 0 && delayed?.left === 0 && lag === 0 && dead === 0) break
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  await consumer.stop()
  await timers[Symbol.asyncDispose]()
  await relay[Symbol.asyncDispose]()
  await broker[Symbol.asyncDispose]()
  for (const store of [platform, source, sink]) await store[Symbol.asyncDispose]()
}

assert.notEqual(folder, '', 'give a folder')
await main()
