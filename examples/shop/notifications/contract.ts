import { contract, event, message, serverStream, unary } from 'trellis/contract'
import { z } from 'zod'
import { Id, InvalidCursor, line, Page, pageOf, Time } from '../shapes.ts'

export const Notification = z
  .object({
    id: Id,
    kind: z.string().describe('What it is about, such as `welcome`.'),
    orderId: Id.optional().describe('The order whose end it tells.'),
    subject: z.string(),
    text: z.string(),
    at: Time,
  })
  .meta({ id: 'Notification' })
export type Notification = z.infer<typeof Notification>
export const NotificationPage = pageOf('NotificationPage', Notification)

export const Notifications = contract('shop.notifications.v1.Notifications', {
  list: unary({
    summary: 'One’s notifications, newest first',
    input: z.object(Page),
    output: NotificationPage,
    faults: { InvalidCursor },
    http: 'GET /notifications',
    allow: 'signed-in',
  }),
  stream: serverStream({
    summary: 'One’s notifications as they come',
    input: z.object({ lastEventId: line({ max: 64 }).optional() }),
    output: Notification,
    http: 'GET /notifications/stream',
    allow: 'signed-in',
    sse: { event: 'kind', id: 'id', resume: 'lastEventId' },
  }),
})

/** Asks for one notification to one user; sent at most once per `notificationId`. */
export const SendNotification = message(
  'shop.notifications.send-notification.v1',
  z.object({
    notificationId: Id,
    userId: Id,
    kind: z.string().min(1).max(64),
    orderId: Id.optional(),
    subject: z.string().min(1).max(200),
    text: z.string().min(1).max(4000),
  }),
)
export const NotificationSent = event(
  'shop.notifications.notification-sent.v1',
  z.object({ notificationId: Id, userId: Id, kind: z.string() }),
  { external: true },
)
