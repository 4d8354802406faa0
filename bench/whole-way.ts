/** A message's whole way: a transaction of one service with outbox, relay, broker, and a handler of another with inbox and one row of effect. */
import { join } from 'node:path'
import { event } from 'trellis/contract'
import type { Fault } from 'trellis/kernel'
import { CallContext, createRuntime } from 'trellis/kernel'
import type { Broker, Delivery, InboxMark } from 'trellis/messaging'
import { consume, createConsumer, createEnvelopes, createOutbox, createRelay, inboxMark } from 'trellis/messaging'
import { createStoreBroker } from 'trellis/messaging/store-broker'
import { openSqlite } from 'trellis/store/sqlite'
import { z } from 'zod'

/** What the message says: some 200 bytes with the time at which its transaction began. */
const Happened = event('bench.happened.v1', z.object({ number: z.int(), at: z.number(), text: z.string() }))
const TEXT = 'x'.repeat(150)

/** Milliseconds of a clock that the processes of a machine share. */
export function sharedClock(): number {
  return performance.timeOrigin + performance.now()
}

/** Opens the broker of a process, to be closed with `stack`; several processes share a folder. */
export async function openBroker(folder: string, stack: AsyncDisposableStack): Promise<Broker> {
  const runtime = createRuntime()
  const store = stack.use(await openSqlite(runtime, { path: join(folder, 'platform.db') }))
  const wakePath = join(folder, 'platform.wake')
  return stack.use(await createStoreBroker(runtime, { store, wakePath, onFault: report }))
}

/** The publishing service: a function that runs one transaction with one message in the outbox, and resolves when it is durable. */
export async function openPublisher(
  folder: string,
  broker: Broker,
  stack: AsyncDisposableStack,
): Promise<(number: number, key: string) => Promise<void>> {
  const runtime = createRuntime()
  const store = stack.use(await openSqlite(runtime, { path: join(folder, 'publisher.db') }))
  const outbox = createOutbox()
  stack.use(await createRelay(runtime, { store, broker, outbox, onFault: report }))
  const envelopes = createEnvelopes('publisher')
  return (number, key) => {
    const ctx = new CallContext(runtime)
    const data = { number, at: sharedClock(), text: TEXT }
    return store.transaction(tx => outbox.add(tx, [envelopes.wrap(ctx, Happened, data, { key })]))
  }
}

/** What is heard of a message. */
export interface Hearing {
  /** It has reached its handler, so many milliseconds after its transaction began. */
  arrived?(afterMs: number): void
  /** Its effect is there, and it was acknowledged. */
  acked?(): void
}

/** The handling service. */
export async function openConsumer(
  folder: string,
  broker: Broker,
  stack: AsyncDisposableStack,
  hearing: Hearing,
): Promise<void> {
  const runtime = createRuntime()
  const store = stack.use(await openSqlite(runtime, { path: join(folder, 'consumer.db') }))
  const effect = 'create table effect (number integer not null, text text not null)'
  await store.migrate('bench', [{ name: '001', statements: () => [effect] }])
  const consumer = await createConsumer(runtime, {
    service: 'consumer',
    store,
    broker: heard(broker, hearing),
    onFault: report,
    handlers: [
      consume(Happened, async ({ number, at, text }, ctx) => {
        hearing.arrived?.(sharedClock() - at)
        const mark = ctx.get(inboxMark) as InboxMark
        await store.transaction(async tx => {
          await mark.storeIn(tx)
          await tx.run('insert into effect (number, text) values (?, ?)', number, text)
        })
      }),
    ],
  })
  stack.defer(() => consumer.stop())
}

/** The same broker, whose acknowledgements are heard. */
function heard(broker: Broker, hearing: Hearing): Broker {
  const { acked } = hearing
  if (acked === undefined) return broker
  const listening = (delivery: Delivery): Delivery => ({
    message: delivery.message,
    attempt: delivery.attempt,
    ...(delivery.deaths === undefined ? {} : { deaths: delivery.deaths }),
    signal: delivery.signal,
    ack: () => delivery.ack().then(acked),
    nack: options => delivery.nack(options),
    deadLetter: cause => delivery.deadLetter(cause),
  })
  return {
    capabilities: broker.capabilities,
    admin: broker.admin,
    declare: (...declared) => broker.declare(...declared),
    publish: messages => broker.publish(messages),
    subscribe: (options, deliver) => broker.subscribe(options, delivery => deliver(listening(delivery))),
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  }
}

function report(fault: Fault): void {
  process.stderr.write(`${fault.message}\n`)
}
