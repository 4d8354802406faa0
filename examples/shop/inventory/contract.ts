import { contract, event, fault, unary } from 'trellis/contract'
import { z } from 'zod'
import { Id, line, Quantity } from '../shapes.ts'

export const Stock = z
  .object({
    productId: Id,
    onHand: z.int().describe('In the house.'),
    reserved: z.int().describe('Of these, set aside for orders.'),
    available: z.int().describe('On hand and not reserved.'),
  })
  .meta({ id: 'Stock' })
export type Stock = z.infer<typeof Stock>

export const ProductId = z.object({ productId: Id })
export const Adjustment = z
  .object({
    productId: Id,
    delta: z.int32().min(-1_000_000).max(1_000_000).describe('How many more, or fewer, are on hand.'),
    reason: line({ min: 1, max: 200 }).describe('For the books, such as `delivery`.'),
  })
  .meta({ examples: [{ productId: 'p-001', delta: 10, reason: 'delivery' }] })
export const ReservationLine = z.object({ productId: Id, quantity: Quantity })
export const Reservation = z.object({ reservationId: Id, lines: z.array(ReservationLine).min(1).max(100) })
export const ReservationId = z.object({ reservationId: Id })
export const ReservationState = z.object({
  reservationId: Id,
  state: z.enum(['reserved', 'released', 'committed']),
})
export const ShortLine = z.object({ productId: Id, requested: z.int(), available: z.int() })

export const StockNotFound = fault({
  code: 'not_found',
  reason: 'STOCK_NOT_FOUND',
  message: 'No stock is kept of this product.',
  details: z.object({ productId: Id }),
})
export const StockBelowReserved = fault({
  code: 'failed_precondition',
  reason: 'STOCK_BELOW_RESERVED',
  message: 'The adjustment would leave less on hand than is reserved; release reservations first or adjust by less.',
  details: Stock,
})
export const OutOfStock = fault({
  code: 'failed_precondition',
  reason: 'OUT_OF_STOCK',
  message: 'There is not enough stock; ask for less of the products that the details name.',
  details: z.object({ short: z.array(ShortLine) }),
})
export const ReservationEnded = fault({
  code: 'failed_precondition',
  reason: 'RESERVATION_ENDED',
  message: 'The reservation has ended and can not be changed; the details say how.',
  details: ReservationState,
})
export const ReservationNotFound = fault({
  code: 'not_found',
  reason: 'RESERVATION_NOT_FOUND',
  message: 'There is no such reservation.',
  details: ReservationId,
})

export const Inventory = contract('shop.inventory.v1.Inventory', {
  get: unary({
    summary: 'The stock of a product',
    description: 'How many are on hand, how many of them are reserved, and how many can be ordered.',
    input: ProductId,
    output: Stock,
    faults: { StockNotFound },
    http: 'GET /stock/{productId}',
    allow: 'public',
  }),
  adjust: unary({
    summary: 'Adjust the stock of a product',
    description: 'Books goods in or out. Stock begins to be kept of a product with its first adjustment.',
    input: Adjustment,
    output: Stock,
    faults: { StockBelowReserved },
    http: 'POST /stock/{productId}/adjustments',
    idempotent: 'key',
    allow: 'inventory:write',
  }),
  reserve: unary({
    summary: 'Set stock aside under a reservation id of the caller; all lines or none',
    input: Reservation,
    output: ReservationState,
    faults: { OutOfStock, ReservationEnded },
    idempotent: 'natural',
    allow: 'internal',
  }),
  release: unary({
    summary: 'Give stock back, also after it was committed; releasing twice, or what was never reserved, is harmless',
    input: ReservationId,
    output: ReservationState,
    idempotent: 'natural',
    allow: 'internal',
  }),
  commit: unary({
    summary: 'Take reserved stock out of the house',
    input: ReservationId,
    output: ReservationState,
    faults: { OutOfStock, ReservationEnded, ReservationNotFound },
    idempotent: 'natural',
    allow: 'internal',
  }),
})

const reservationData = z.object({ reservationId: Id, lines: z.array(ReservationLine) })
export const StockReserved = event('shop.inventory.stock-reserved.v1', reservationData, { external: true })
export const StockReleased = event('shop.inventory.stock-released.v1', reservationData, { external: true })
export const StockShort = event(
  'shop.inventory.stock-short.v1',
  z.object({ reservationId: Id, short: z.array(ShortLine) }),
  { external: true },
)
export const StockLow = event('shop.inventory.stock-low.v1', z.object({ productId: Id, available: z.int() }), {
  external: true,
})
