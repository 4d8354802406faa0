/** What a new shop starts with. */
import { z } from 'zod'
import { Money } from '../shapes.ts'
import data from './products.json' with { type: 'json' }

const Seed = z.object({
  categories: z.array(z.object({ id: z.string(), name: z.string() })),
  products: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      description: z.string(),
      category: z.string(),
      price: Money,
      stock: z.int(),
    }),
  ),
})

/** 8 categories and 200 products, with how many of each are on hand. */
export const seed = Seed.parse(data)
