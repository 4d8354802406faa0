import { raise } from 'trellis/contract'
import { implement, on, service } from 'trellis/service'
import { OrderCancelled, OrderConfirmed, OrderCreated } from '../orders/contract.ts'
import { PaymentCaptured, PaymentRefunded } from '../payments/contract.ts'
import { UserCreated } from '../users/contract.ts'
import { Analytics, InvalidPeriod } from './contract.ts'
import { count, dailyFigures, dayOf, figureMigrations } from './figures.ts'

/** The longest period of one question, in days. */
const MAX_DAYS = 366

export const analytics = service('analytics', {
  capability: 'reporting',
  owns: ['daily figures'],
  migrations: figureMigrations,
  provides: [
    implement(Analytics, {
      async daily({ from, to }, ctx) {
        const days = (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1
        if (days < 1 || days > MAX_DAYS) throw raise(InvalidPeriod)
        return { items: await dailyFigures(ctx.read, from, to) }
      },
    }),
  ],
  consumes: [
    on(UserCreated, (_, ctx) => ctx.transaction(tx => count(tx, dayOf(ctx.message.time), 'registrations', 1))),
    on(OrderCreated, (_, ctx) => ctx.transaction(tx => count(tx, dayOf(ctx.message.time), 'orders-created', 1))),
    on(OrderConfirmed, (_, ctx) => ctx.transaction(tx => count(tx, dayOf(ctx.message.time), 'orders-confirmed', 1))),
    on(OrderCancelled, (_, ctx) => ctx.transaction(tx => count(tx, dayOf(ctx.message.time), 'orders-cancelled', 1))),
    on(PaymentCaptured, ({ amount }, ctx) =>
      ctx.transaction(tx => count(tx, dayOf(ctx.message.time), `revenue-${amount.currency}`, amount.amount)),
    ),
    on(PaymentRefunded, ({ amount }, ctx) =>
      ctx.transaction(tx => count(tx, dayOf(ctx.message.time), `revenue-${amount.currency}`, -amount.amount)),
    ),
  ],
})
