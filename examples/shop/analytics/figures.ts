/** Daily figures: one number a day and name. */
import type { Dialect, Migration, Sql } from 'trellis/store'
import type { z } from 'zod'
import type { DailyFigures } from './contract.ts'

export const figureMigrations: readonly Migration[] = [
  {
    name: '001-figures',
    statements: ({ types }) => [
      `create table figure (day ${types.key} not null, name ${types.key} not null, amount ${types.integer} not null, primary key (day, name))`,
    ],
  },
]

const REVENUE = 'revenue-'

/** The day (UTC) of a time, as `2026-11-21`. */
export function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10)
}

/** Adds to a figure of a day. */
export async function count(
  tx: Sql & { readonly dialect: Dialect },
  day: string,
  name: string,
  by: number,
): Promise<void> {
  await tx.run(tx.dialect.insertOrIgnore('figure', ['day', 'name', 'amount']), day, name, 0)
  await tx.run('update figure set amount = amount + ? where day = ? and name = ?', by, day, name)
}

/** The figures of each day that has any, oldest first. */
export async function dailyFigures(sql: Sql, from: string, to: string): Promise<z.infer<typeof DailyFigures>[]> {
  const rows = await sql.all<{ day: string; name: string; amount: number }>(
    'select day, name, amount from figure where day >= ? and day <= ? order by day, name',
    from,
    to,
  )
  const days = new Map<string, Map<string, number>>()
  for (const row of rows) {
    const figures = days.get(row.day) ?? new Map<string, number>()
    days.set(row.day, figures.set(row.name, row.amount))
  }
  return [...days].map(([day, figures]) => ({
    day,
    registrations: figures.get('registrations') ?? 0,
    orders: {
      created: figures.get('orders-created') ?? 0,
      confirmed: figures.get('orders-confirmed') ?? 0,
      cancelled: figures.get('orders-cancelled') ?? 0,
    },
    revenue: [...figures]
      .filter(([name]) => name.startsWith(REVENUE))
      .map(([name, amount]) => ({ amount, currency: name.slice(REVENUE.length) })),
  }))
}
