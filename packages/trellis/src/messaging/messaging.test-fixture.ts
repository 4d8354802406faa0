import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CallContext, createRuntime, type Fault, type Runtime } from '../kernel/index.ts'
import type { Store } from '../store/index.ts'
import { openSqlite } from '../store/sqlite/index.ts'
import type { Broker, BrokerAdmin, Delivery, Message, SubscribeOptions, Subscription } from './messaging.ts'

/** A runtime and a store of its own, gone with the test. Bodies of transactions are run again at random. */
export interface Bench extends AsyncDisposable {
  readonly runtime: Runtime
  readonly store: Store
  readonly ctx: CallContext
  /** A further store on another file. */
  open(name: string): Promise<Store>
}

export async function createBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'trellis-messaging-'))
  const runtime = createRuntime()
  const stores: Store[] = []
  const open = async (name: string): Promise<Store> => {
    const store = await openSqlite(runtime, { path: join(folder, `${name}.db`), rerunProbability: 0.2 })
    stores.push(store)
    return store
  }
  return {
    runtime,
    store: await open('service'),
    ctx: new CallContext(runtime),
    open,
    async [Symbol.asyncDispose]() {
      for (const store of stores) await store[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

/** A broker that keeps what is published in memory, and fails when told. */
export class FakeBroker implements Broker {
  readonly capabilities = { engine: 'fake', orderedByKey: true, delay: true, replay: false }
  readonly published: Message[] = []
  /** Called before each publish; throws to refuse. */
  refuse: (messages: readonly Message[]) => void = () => undefined
  deliver: ((delivery: Delivery) => void) | undefined
  readonly #waiting: Set<() => void> = new Set()

  get admin(): BrokerAdmin {
    throw new Error('not here')
  }

  declare(): Promise<void> {
    return Promise.resolve()
  }

  async publish(messages: readonly Message[]): Promise<void> {
    try {
      this.refuse(messages)
      this.published.push(...messages)
    } finally {
      for (const resolve of this.#waiting) resolve()
    }
  }

  subscribe(_: SubscribeOptions, deliver: (delivery: Delivery) => void): Promise<Subscription> {
    this.deliver = deliver
    const stop = (): Promise<void> => Promise.resolve()
    return Promise.resolve({ stop, [Symbol.asyncDispose]: stop })
  }

  /** Resolves when `enough` holds, looked at after each publish. */
  async until(enough: () => boolean): Promise<void> {
    while (!enough()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      await promise
      this.#waiting.delete(resolve)
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }
}

/** How a delivery of a test ended. */
export type End =
  | { readonly kind: 'ack' }
  | { readonly kind: 'nack'; readonly delayMs: number; readonly cause: Fault }
  | { readonly kind: 'dead'; readonly cause: Fault }

/** A delivery that tells how it ended. */
export class FakeDelivery implements Delivery {
  readonly message: Message
  readonly attempt: number
  readonly lease: AbortController = new AbortController()
  readonly signal: AbortSignal = this.lease.signal
  readonly ended: Promise<End>
  readonly #end: (end: End) => void

  constructor(message: Message, attempt = 1) {
    this.message = message
    this.attempt = attempt
    const { promise, resolve } = Promise.withResolvers<End>()
    this.ended = promise
    this.#end = resolve
  }

  ack(): Promise<void> {
    this.#end({ kind: 'ack' })
    return Promise.resolve()
  }

  nack({ delayMs, cause }: { readonly delayMs: number; readonly cause: Fault }): Promise<void> {
    this.#end({ kind: 'nack', delayMs, cause })
    return Promise.resolve()
  }

  deadLetter(cause: Fault): Promise<void> {
    this.#end({ kind: 'dead', cause })
    return Promise.resolve()
  }
}

/** A message of a test. */
export function sample(id: string, rest: Partial<Message> = {}): Message {
  return { id, topic: 'test.topic.v1', source: 'test', time: 1, key: 'k', data: '{}', attributes: {}, ...rest }
}
