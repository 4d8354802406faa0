import type { Schema } from '../schema/schema.ts'
import { checkMessageSchema } from './message-schema.ts'

/** Something that happened, for every group that subscribes. Its name ends with its major version. Made by `event`. */
export interface EventType<T = unknown> {
  readonly kind: 'event'
  /** Such as `shop.orders.order-created.v1`; also the topic. */
  readonly name: string
  readonly data: Schema<T>
  /** Consumed outside this system, so that nobody consuming it here is no mistake. */
  readonly external: boolean
  readonly description: string | undefined
}

/** A one-way request: one handler of one service gets it. Made by `message`. */
export interface MessageType<T = unknown> {
  readonly kind: 'message'
  /** Such as `shop.notifications.send-notification.v1`; also the topic. */
  readonly name: string
  readonly data: Schema<T>
  readonly description: string | undefined
}

/** What travels through a broker. */
export type Publishable<T = unknown> = EventType<T> | MessageType<T>

/** What an event is declared with, beside its name and data. */
export interface EventOptions {
  /** Default: false. */
  readonly external?: boolean
  readonly description?: string
}

/** What a message is declared with, beside its name and data. */
export interface MessageOptions {
  readonly description?: string
}

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[a-z][a-z0-9]*(-[a-z0-9]+)*)+\.v[1-9][0-9]*$/

/**
 * Declares an event.
 *
 * @example
 * const OrderCreated = event<OrderCreated>('shop.orders.order-created.v1', z.object({ orderId: z.string(), total: Money }))
 */
export function event<T>(name: string, data: Schema<T>, options: EventOptions = {}): EventType<T> {
  return Object.freeze({
    kind: 'event',
    name: checkedName(name),
    data: checkedData(name, data),
    external: options.external ?? false,
    description: options.description,
  })
}

/**
 * Declares a one-way message.
 *
 * @example
 * const SendNotification = message('shop.notifications.send-notification.v1', z.object({ userId: z.string(), text: z.string() }))
 */
export function message<T>(name: string, data: Schema<T>, options: MessageOptions = {}): MessageType<T> {
  return Object.freeze({
    kind: 'message',
    name: checkedName(name),
    data: checkedData(name, data),
    description: options.description,
  })
}

function checkedName(name: string): string {
  if (NAME.test(name)) return name
  throw new TypeError(
    `'${name}' does not name an event or message. Write system, service, name and major version in lower case, such as 'shop.orders.order-created.v1'.`,
  )
}

function checkedData<T>(name: string, data: Schema<T>): Schema<T> {
  checkMessageSchema(data, `The data of '${name}'`, 'tolerant')
  return data
}
