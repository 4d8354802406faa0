import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createRuntime } from 'trellis/kernel'
import { openSqlite } from 'trellis/store/sqlite'
import { count, dailyFigures, dayOf, figureMigrations } from './figures.ts'

const folder = await mkdtemp(join(tmpdir(), 'trellis-figures-'))
const store = await openSqlite(createRuntime(), { path: join(folder, 'figures.db') })
await store.migrate('figures', figureMigrations)
after(async () => {
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const add = (day: string, name: string, by: number) => store.transaction(tx => count(tx, day, name, by))

test('a day begins and ends at midnight, UTC', () => {
  assert.equal(dayOf(Date.parse('2026-03-01T00:00:00.000Z')), '2026-03-01')
  assert.equal(dayOf(Date.parse('2026-03-01T23:59:59.999Z')), '2026-03-01')
  assert.equal(dayOf(Date.parse('2026-03-01T00:30:00.000+01:00')), '2026-02-28')
})

test('a day that has no figures is left out', async () => {
  assert.deepEqual(await dailyFigures(store.reader, '2020-01-01', '2020-12-31'), [])
})

test('figures add up by day, and revenue by currency', async () => {
  await add('2026-05-01', 'registrations', 1)
  await add('2026-05-01', 'registrations', 1)
  await add('2026-05-01', 'orders-confirmed', 1)
  await add('2026-05-01', 'revenue-EUR', 500)
  await add('2026-05-01', 'revenue-EUR', -200)
  await add('2026-05-01', 'revenue-USD', 70)
  await add('2026-05-02', 'orders-cancelled', 1)
  assert.deepEqual(await dailyFigures(store.reader, '2026-05-01', '2026-05-02'), [
    {
      day: '2026-05-01',
      registrations: 2,
      orders: { created: 0, confirmed: 1, cancelled: 0 },
      revenue: [
        { amount: 300, currency: 'EUR' },
        { amount: 70, currency: 'USD' },
      ],
    },
    { day: '2026-05-02', registrations: 0, orders: { created: 0, confirmed: 0, cancelled: 1 }, revenue: [] },
  ])
})

test('a period has its first and its last day', async () => {
  for (const day of ['2026-06-01', '2026-06-02', '2026-06-03', '2026-06-04']) await add(day, 'registrations', 1)
  const days = await dailyFigures(store.reader, '2026-06-02', '2026-06-03')
  assert.deepEqual(
    days.map(({ day }) => day),
    ['2026-06-02', '2026-06-03'],
  )
})
