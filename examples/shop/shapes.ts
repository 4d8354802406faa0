/** Shapes that several of the shop's contracts share. */
import { z } from 'zod'

/** An opaque id. */
export const Id = z.string().min(1).max(64)

/** An amount in minor units (cents), never negative, with its ISO 4217 currency. */
export const Money = z.object({
  amount: z.int().min(0).max(1_000_000_000_000),
  currency: z.string().regex(/^[A-Z]{3}$/),
})
export type Money = z.infer<typeof Money>

/** RFC 3339, UTC. */
export const Time = z.iso.datetime()

/** How many of a thing one line of an order may hold. */
export const Quantity = z.int32().min(1).max(999)

/** Where to go on in a list, and how many to give (default 20, at most 100). */
export const Page = {
  cursor: z.string().max(512).optional(),
  limit: z.int32().min(1).max(100).optional(),
}

/** A page of a list. */
export function pageOf<T extends z.ZodType>(
  item: T,
): z.ZodObject<{ items: z.ZodArray<T>; nextCursor: z.ZodOptional<z.ZodString> }> {
  return z.object({ items: z.array(item), nextCursor: z.string().optional() })
}

/** Default size of a page. */
export const DEFAULT_LIMIT = 20
