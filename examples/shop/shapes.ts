/** Shapes that several of the shop's contracts share. What has an `id` in its metadata is a component of the OpenAPI document. */
import { fault } from 'trellis/contract'
import { z } from 'zod'

/** An opaque id. */
export const Id = z.string().min(1).max(64)

/** An amount in minor units (cents), never negative, with its ISO 4217 currency. */
export const Money = z
  .object({
    amount: z.int().min(0).max(1_000_000_000_000_000).describe('In minor units, such as cents.'),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/)
      .describe('ISO 4217.'),
  })
  .meta({ id: 'Money', description: 'An amount of money.', examples: [{ amount: 1990, currency: 'EUR' }] })
export type Money = z.infer<typeof Money>

/** What one piece of a product may cost: so much less than an amount can be that the total of the largest order is one. */
export const Price = z
  .object({ ...Money.shape, amount: z.int().min(0).max(10_000_000_000).describe('In minor units, such as cents.') })
  .meta({ id: 'Price', description: 'What one piece costs.', examples: [{ amount: 1990, currency: 'EUR' }] })

/** RFC 3339, UTC. */
export const Time = z.iso.datetime()

/** How many of a thing one line of an order may hold. */
export const Quantity = z.int32().min(1).max(999)

/** Where to go on in a list, and how many to give (default 20, at most 100). */
export const Page = {
  cursor: z.string().max(512).optional().describe('The `nextCursor` of the page before; none for the first page.'),
  limit: z.int32().min(1).max(100).optional().describe('How many at most; 20 when it is not said.'),
}

/** A page of a list, which the OpenAPI document calls `id`. */
export function pageOf<T extends z.ZodType>(
  id: string,
  item: T,
): z.ZodObject<{ items: z.ZodArray<T>; nextCursor: z.ZodOptional<z.ZodString> }> {
  const nextCursor = z.string().optional().describe('Where the next page begins; missing on the last one.')
  return z.object({ items: z.array(item), nextCursor }).meta({ id })
}

/** For a cursor that no page of the list has given. */
export const InvalidCursor = fault({
  code: 'invalid_argument',
  reason: 'INVALID_CURSOR',
  message: 'The cursor is not one of this list; start again without a cursor.',
})

/** Default size of a page. */
export const DEFAULT_LIMIT = 20
