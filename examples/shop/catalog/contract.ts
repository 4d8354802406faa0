import { contract, event, fault, unary } from 'trellis/contract'
import { z } from 'zod'
import { Id, InvalidCursor, line, lines, Money, Page, Price, pageOf } from '../shapes.ts'

const productFields = {
  name: line({ min: 1, max: 200 }),
  description: lines({ max: 4000 }),
  category: line({ min: 1, max: 64 }),
  price: Price,
  active: z.boolean().describe('Whether it is for sale.'),
}

export const Product = z.object({ id: Id, ...productFields }).meta({ id: 'Product' })
export type Product = z.infer<typeof Product>

export const ProductId = z.object({ productId: Id })
export const ProductQuery = z.object({
  category: line({ max: 64 }).optional().describe('Products of this category alone.'),
  q: line({ max: 200 }).optional().describe('Words that the product must have.'),
  ...Page,
})
export const ProductPage = pageOf('ProductPage', Product)
/** The whole product: what is left out is not kept. */
export const ProductReplacement = z.object({ productId: Id, ...productFields }).meta({
  examples: [
    {
      productId: 'p-new',
      name: 'Garden trellis, 180 cm',
      description: 'Larch slats for climbing plants.',
      category: 'garden',
      price: { amount: 3490, currency: 'EUR' },
      active: true,
    },
  ],
})
export const ProductIds = z.object({ productIds: z.array(Id).min(1).max(100) })
/** A product with the number of its revision, which grows with every change. */
export const VersionedProduct = z.object({ ...Product.shape, version: z.int() })
export const Products = z.object({ products: z.array(VersionedProduct) })

export const ProductNotFound = fault({
  code: 'not_found',
  reason: 'PRODUCT_NOT_FOUND',
  message: 'There is no such product; list them at GET /products.',
  details: z.object({ productId: Id }),
})
export const UnknownCategory = fault({
  code: 'failed_precondition',
  reason: 'UNKNOWN_CATEGORY',
  message: 'There is no such category; use one that the catalogue has.',
  details: z.object({ category: z.string(), categories: z.array(z.string()) }),
})

export const Catalog = contract('shop.catalog.v1.Catalog', {
  list: unary({
    summary: 'Browse and search the catalogue',
    input: ProductQuery,
    output: ProductPage,
    faults: { InvalidCursor },
    http: 'GET /products',
    allow: 'public',
  }),
  get: unary({
    summary: 'One product',
    input: ProductId,
    output: Product,
    faults: { ProductNotFound },
    http: 'GET /products/{productId}',
    allow: 'public',
  }),
  put: unary({
    summary: 'Create or replace a product',
    description: 'Answers 201 when the product is new, 200 when it replaced one.',
    input: ProductReplacement,
    output: Product,
    faults: { UnknownCategory },
    http: 'PUT /products/{productId}',
    status: [200, 201],
    allow: 'catalog:write',
  }),
  getMany: unary({
    summary: 'Products by id, for other services; unknown ids are left out',
    input: ProductIds,
    output: Products,
    readonly: true,
    allow: 'internal',
  }),
})

export const ProductChanged = event(
  'shop.catalog.product-changed.v1',
  z.object({ productId: Id, name: z.string(), price: Money, active: z.boolean(), version: z.int() }),
)
