import type { Broker, Delivery, SubscribeOptions, Subscription } from '../../messaging/index.ts'

/** What a consumer of a test was given, in order. */
export class Deliveries {
  readonly all: Delivery[] = []
  subscription: Subscription | undefined
  readonly #onEach: (delivery: Delivery) => void
  #waiting: (() => void)[] = []

  constructor(onEach: (delivery: Delivery) => void) {
    this.#onEach = onEach
  }

  /** Message ids, in order of delivery. */
  get ids(): string[] {
    return this.all.map(delivery => delivery.message.id)
  }

  readonly take = (delivery: Delivery): void => {
    this.all.push(delivery)
    this.#onEach(delivery)
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  /** Resolves when `enough` holds, looked at after each delivery. */
  async until(enough: (deliveries: Deliveries) => boolean): Promise<void> {
    while (!enough(this)) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  /** The delivery number `count`, from 1. */
  async nth(count: number): Promise<Delivery> {
    await this.until(deliveries => deliveries.all.length >= count)
    return this.all[count - 1] as Delivery
  }

  /** The first delivery of a message. */
  async of(id: string): Promise<Delivery> {
    await this.until(deliveries => deliveries.ids.includes(id))
    return this.all.find(delivery => delivery.message.id === id) as Delivery
  }
}

/** Subscribes; acknowledges each delivery unless `onEach` is given. */
export async function collect(
  broker: Broker,
  options: SubscribeOptions,
  onEach: (delivery: Delivery) => void = acknowledge,
): Promise<Deliveries> {
  const deliveries = new Deliveries(onEach)
  deliveries.subscription = await broker.subscribe(options, deliveries.take)
  return deliveries
}

/** Acknowledges; a lost lease is no failure of the test, since the message comes again. */
export function acknowledge(delivery: Delivery): void {
  delivery.ack().catch(() => undefined)
}

/** Leaves a delivery in flight. */
export function hold(): void {
  // The test ends it.
}
