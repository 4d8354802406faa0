/** Shapes that several of the shop's contracts share. What has an `id` in its metadata is a component of the OpenAPI document. */
import { fault } from 'trellis/contract'
import { z } from 'zod'

// Control characters are what these keep out. Spelt as ranges, since not every reader of a JSON Schema knows \p{Cc}.
// biome-ignore lint/suspicious/noControlCharactersInRegex: see above
const LINE = /^[^\u0000-\u001f\u007f]*$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: see above
const LINES = /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: see above
const ID = /^(?!\.{1,2}$)[^\u0000-\u001f\u007f]+$/

/** An opaque id. Not `.` or `..`, which a path can't hold. */
export const Id = z.string().min(1).max(64).regex(ID)

/** Text of one line. */
export function line(length: { readonly min?: number; readonly max: number }): z.ZodString {
  return z
    .string()
    .min(length.min ?? 0)
    .max(length.max)
    .regex(LINE)
}

/** Text of several lines. */
export function lines(length: { readonly max: number }): z.ZodString {
  return z.string().max(length.max).regex(LINES)
}

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
  cursor: z
    .string()
    .min(1)
    .max(512)
    .regex(/^[A-Za-z0-9_-]+$/)
    .optional()
    .describe('The `nextCursor` of the page before; none for the first page.'),
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
