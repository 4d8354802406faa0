import { contract, fault, unary } from 'trellis/contract'
import { z } from 'zod'
import { Money } from '../shapes.ts'

export const Day = z.iso.date()
export const DailyQuery = z.object({
  from: Day.describe('The first day, UTC.'),
  to: Day.describe('The last day: from the first one to 365 days after it.'),
})
export const DailyFigures = z
  .object({
    day: Day,
    registrations: z.int(),
    orders: z.object({ created: z.int(), confirmed: z.int(), cancelled: z.int() }),
    revenue: z
      .array(z.object({ amount: z.int(), currency: Money.shape.currency }))
      .describe('Captured less refunded, one entry a currency; may be negative on a day of refunds.'),
  })
  .meta({ id: 'DailyFigures' })
export const Daily = z.object({ items: z.array(DailyFigures) }).meta({ id: 'Daily' })

/** For a period that ends before it begins, or is too long for one answer. */
export const InvalidPeriod = fault({
  code: 'invalid_argument',
  reason: 'INVALID_PERIOD',
  message: 'The period ends before it begins, or is longer than 366 days; ask for less at once.',
})

export const Analytics = contract('shop.analytics.v1.Analytics', {
  daily: unary({
    summary: 'Daily figures: registrations, orders by outcome, revenue',
    input: DailyQuery,
    output: Daily,
    faults: { InvalidPeriod },
    http: 'GET /analytics/daily',
    allow: 'analytics:read',
  }),
})
