import type { ServiceContext } from 'trellis/service'
import { implement, on, resource, service } from 'trellis/service'
import { Bell } from '../bell.ts'
import { callerOf } from '../caller.ts'
import { decodeNumericCursor, encodeCursor } from '../cursor.ts'
import { DEFAULT_LIMIT } from '../shapes.ts'
import { UserCreated } from '../users/contract.ts'
import { NotificationSent, Notifications, SendNotification } from './contract.ts'
import { following, keep, lastPlace, newest, notificationMigrations, placeOf } from './notification.ts'

/** Rings for a user when something came into their inbox. */
const bell = resource('bell', () => new Bell())

interface Letter {
  readonly notificationId: string
  readonly userId: string
  readonly kind: string
  readonly orderId?: string | undefined
  readonly subject: string
  readonly text: string
}

async function deliver(letter: Letter, ctx: ServiceContext): Promise<void> {
  const { notificationId, userId, kind } = letter
  await ctx.transaction(async tx => {
    if (!(await keep(tx, letter))) return
    await tx.publish(NotificationSent, { notificationId, userId, kind }, { key: userId })
    tx.onCommit(() => ctx.resource(bell).ring(userId))
  })
}

/** Notifications at a time while a stream catches up. */
const BATCH = 100

export const notifications = service('notifications', {
  capability: 'customer-notification',
  owns: ['notification'],
  publishes: [NotificationSent],
  migrations: notificationMigrations,
  resources: [bell],
  provides: [
    implement(Notifications, {
      async list({ cursor, limit = DEFAULT_LIMIT }, ctx) {
        const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : decodeNumericCursor(cursor)
        const placed = await newest(ctx.read, callerOf(ctx), before, limit + 1)
        const items = placed.slice(0, limit)
        const last = items.at(-1)
        return {
          items: items.map(item => item.notification),
          ...(placed.length > limit && last !== undefined ? { nextCursor: encodeCursor(String(last.seq)) } : {}),
        }
      },

      async *stream({ lastEventId }, ctx) {
        const userId = callerOf(ctx)
        const known = lastEventId === undefined ? undefined : await placeOf(ctx.read, userId, lastEventId)
        let after = known ?? (await lastPlace(ctx.read))
        for (;;) {
          const heard = ctx.resource(bell).next(userId, ctx)
          const placed = await following(ctx.read, userId, after, BATCH)
          for (const { seq, notification } of placed) {
            yield notification
            after = seq
          }
          if (placed.length === 0) await heard
        }
      },
    }),
  ],
  consumes: [
    on(SendNotification, deliver),
    on(UserCreated, ({ userId, name }, ctx) =>
      deliver(
        {
          notificationId: `welcome-${userId}`,
          userId,
          kind: 'welcome',
          subject: 'Welcome to the shop',
          text: `Hello ${name}, your account is ready. Have a look around.`,
        },
        ctx,
      ),
    ),
  ],
})
