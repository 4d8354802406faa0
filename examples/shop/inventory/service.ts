import { raise } from 'trellis/contract'
import type { ServiceContext, ServiceTransaction } from 'trellis/service'
import { implement, on, service } from 'trellis/service'
import { seedStock } from '../seed/stock.ts'
import {
  Inventory,
  OutOfStock,
  ReservationNotFound,
  StockLow,
  StockNotFound,
  StockReleased,
  StockReserved,
  StockShort,
} from './contract.ts'
import { ExpireReservation } from './messages.ts'
import type { Line } from './stock.ts'
import {
  adjust,
  ended,
  giveBack,
  reservationLines,
  reservationState,
  setAside,
  shortOf,
  stockMigrations,
  stockOf,
  takeOut,
} from './stock.ts'

/** How long stock stays set aside for an order that does not go on. */
const RESERVATION_MS = 15 * 60_000

const expiryTimer = (reservationId: string): string => `expire-${reservationId}`

/** Sets lines aside, or says what is short. */
async function reserveIn(tx: ServiceTransaction, reservationId: string, lines: readonly Line[]): Promise<void> {
  await setAside(tx, reservationId, lines)
  await tx.schedule(
    ExpireReservation,
    { reservationId },
    { timer: expiryTimer(reservationId), afterMs: RESERVATION_MS, key: reservationId },
  )
  await tx.publish(StockReserved, { reservationId, lines: [...lines] }, { key: reservationId })
}

async function releaseIn(
  tx: ServiceTransaction,
  reservationId: string,
  from: 'reserved' | 'committed',
  to: 'released' | 'expired' = 'released',
): Promise<void> {
  const lines = await giveBack(tx, reservationId, from, to)
  await tx.unschedule(expiryTimer(reservationId))
  await tx.publish(StockReleased, { reservationId, lines }, { key: reservationId })
}

/** Lines of one product are one line: a reservation has each product once. */
function merged(lines: readonly Line[]): Line[] {
  const quantities = new Map<string, number>()
  for (const line of lines) quantities.set(line.productId, (quantities.get(line.productId) ?? 0) + line.quantity)
  return [...quantities].map(([productId, quantity]) => ({ productId, quantity }))
}

export const inventory = service('inventory', {
  capability: 'stock-keeping',
  owns: ['stock level', 'reservation'],
  publishes: [StockReserved, StockReleased, StockShort, StockLow, ExpireReservation],
  migrations: stockMigrations,
  start: seedStock,
  provides: [
    implement(Inventory, {
      async get({ productId }, ctx) {
        const stock = await stockOf(ctx.read, productId)
        if (stock === undefined) throw raise(StockNotFound, { details: { productId } })
        return stock
      },

      adjust({ productId, delta, reason }, ctx) {
        const change = { id: ctx.newId(), productId, delta, reason, actor: ctx.identity?.subject ?? 'unknown' }
        return ctx.transaction(tx => adjust(tx, change))
      },

      async reserve({ reservationId, lines }, ctx) {
        const wanted = merged(lines)
        const short = await ctx.transaction(async tx => {
          const state = await reservationState(tx, reservationId)
          if (state === 'reserved') {
            // Asked again: the order goes on, so its stock stays set aside from now.
            await tx.schedule(
              ExpireReservation,
              { reservationId },
              { timer: expiryTimer(reservationId), afterMs: RESERVATION_MS, key: reservationId },
            )
            return []
          }
          if (state === 'released' || state === 'committed') throw ended(reservationId, state)
          const missing = await shortOf(tx, wanted)
          if (missing.length > 0)
            await tx.publish(StockShort, { reservationId, short: missing }, { key: reservationId })
          else await reserveIn(tx, reservationId, wanted)
          return missing
        })
        if (short.length > 0) throw raise(OutOfStock, { details: { short } })
        return { reservationId, state: 'reserved' }
      },

      async release({ reservationId }, ctx) {
        await ctx.transaction(async tx => {
          const state = await reservationState(tx, reservationId)
          if (state === 'released') return
          if (state === 'reserved' || state === 'committed') await releaseIn(tx, reservationId, state)
          // A release that overtakes its reserve, or follows an expiry, closes the id: a late reserve must not hold stock for ever.
          else
            await tx.run(
              tx.dialect.upsert('reservation', ['id'], ['id', 'state', 'at']),
              reservationId,
              'released',
              tx.now,
            )
        })
        return { reservationId, state: 'released' }
      },

      async commit({ reservationId }, ctx) {
        const short = await ctx.transaction(async tx => {
          const state = await reservationState(tx, reservationId)
          if (state === undefined) throw raise(ReservationNotFound, { details: { reservationId } })
          if (state === 'committed') return []
          if (state === 'released') throw ended(reservationId, state)
          if (state === 'expired') {
            // The order was paid although its time was over: take the stock if it is still there.
            const lines = await reservationLines(tx, reservationId)
            const missing = await shortOf(tx, lines)
            if (missing.length > 0) return missing
            await reserveIn(tx, reservationId, lines)
          }
          await takeOut(tx, reservationId)
          await tx.unschedule(expiryTimer(reservationId))
          return []
        })
        if (short.length > 0) throw raise(OutOfStock, { details: { short } })
        return { reservationId, state: 'committed' }
      },
    }),
  ],
  consumes: [
    on(ExpireReservation, async ({ reservationId }, ctx: ServiceContext) => {
      await ctx.transaction(async tx => {
        if ((await reservationState(tx, reservationId)) === 'reserved')
          await releaseIn(tx, reservationId, 'reserved', 'expired')
      })
    }),
  ],
})
