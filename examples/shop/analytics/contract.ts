import { contract, unary } from 'trellis/contract'
import { z } from 'zod'
import { Money } from '../shapes.ts'

export const Day = z.iso.date()
export const DailyQuery = z.object({ from: Day, to: Day })
export const DailyFigures = z.object({
  day: Day,
  registrations: z.int(),
  orders: z.object({ created: z.int(), confirmed: z.int(), cancelled: z.int() }),
  /** Captured less refunded, one entry a currency; may be negative on a day of refunds. */
  revenue: z.array(z.object({ amount: z.int(), currency: Money.shape.currency })),
})
export const Daily = z.object({ items: z.array(DailyFigures) })

export const Analytics = contract('shop.analytics.v1.Analytics', {
  daily: unary({
    summary: 'Daily figures: registrations, orders by outcome, revenue',
    input: DailyQuery,
    output: Daily,
    http: 'GET /analytics/daily',
    allow: 'analytics:read',
  }),
})
