import type { Schema } from '../schema/schema.ts'

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
