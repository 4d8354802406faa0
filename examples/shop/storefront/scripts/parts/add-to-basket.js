import { count } from '../format.js'
import { add } from '../state/basket.js'
import { signedIn } from './account-dialog.js'
import { announce } from './announce.js'
import { clearBanner, showBanner } from './banner.js'

/** Puts a product into the open order; asks first who is ordering. */
export async function addToBasket(product, quantity) {
  if (!(await signedIn(`Sign in or create an account, and ${product.name} goes into your basket.`))) return
  const order = await add(product.id, quantity)
  const line = order.items.find(item => item.productId === product.id)
  const pieces = order.items.reduce((sum, item) => sum + item.quantity, 0)
  announce(`${product.name} is in the basket, ${count(pieces, 'piece')} in all.`)
  clearBanner()
  if (line !== undefined && line.unitPrice.amount !== product.price.amount) {
    showBanner({
      heading: 'The price has just changed',
      text: `${product.name} went in at its price of now; see the basket.`,
      tone: 'plain',
    })
  }
  document
    .getElementById('basket-badge')
    ?.animate?.([{ scale: 1 }, { scale: 1.35 }, { scale: 1 }], { duration: motion() })
}

const motion = () => (matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 320)
