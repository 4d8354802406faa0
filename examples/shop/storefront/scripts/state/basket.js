/** The order that is being filled: the newest one that has not been checked out. It lives in the shop, not in the page. */
import { act, get, withQuery } from '../net/api.js'
import { Problem } from '../net/problem.js'
import { cell } from './cell.js'
import { queue } from './queue.js'
import { session } from './session.js'

/** The open order; null: there is none; undefined: not known yet. */
export const basket = cell(/** @type {any} */ (undefined))

const edits = queue()
let editing = 0

/** Whether an edit of this page is under way. */
export const isEditing = () => editing > 0

async function inTurn(work) {
  editing++
  try {
    return await edits(work)
  } finally {
    editing--
  }
}

session.watch(current => {
  basket.set(current === null ? null : undefined)
  if (current !== null) loadBasket().catch(() => undefined) // shown where the basket is looked at
})

/** Finds the open order. */
export async function loadBasket() {
  const { items } = await get(withQuery('/orders', { limit: 50 }))
  const open = items.find(order => order.status === 'created') ?? null
  basket.set(open)
  return open
}

/** Something was heard of an order; the basket follows. */
export function noteOrder(order) {
  const current = basket.value
  if (order.status === 'created') {
    if (!current || current.id === order.id || order.createdAt >= current.createdAt) basket.set(order)
  } else if (current?.id === order.id) basket.set(null)
  return order
}

/** Adds to the open order, and opens one when there is none. */
export function add(productId, quantity) {
  return inTurn(async () => {
    const open = basket.value === undefined ? await loadBasket() : basket.value
    if (open !== null) {
      try {
        return noteOrder(await addTo(open.id, productId, quantity))
      } catch (error) {
        // Checked out or cancelled elsewhere meanwhile: what is wanted goes into a new one.
        if (!hasReason(error, 'ORDER_NOT_OPEN', 'ORDER_NOT_FOUND')) throw error
      }
    }
    return noteOrder(await act('POST', '/orders', { items: [{ productId, quantity }] }))
  })
}

/** Opens an order with the items of another one. */
export function orderAgain(items) {
  return inTurn(async () => {
    const wanted = items.map(({ productId, quantity }) => ({ productId, quantity }))
    return noteOrder(await act('POST', '/orders', { items: wanted }))
  })
}

/** Sets how many of a product an order holds; 0 takes it out. The shop adds and removes only, so less of something is two steps. */
export function setQuantity(order, productId, quantity) {
  return inTurn(async () => {
    const now = order.items.find(item => item.productId === productId)?.quantity ?? 0
    if (quantity > now) return noteOrder(await addTo(order.id, productId, quantity - now))
    if (quantity === now) return order
    return noteOrder(await replace(order.id, productId, quantity))
  })
}

/** Takes products out and puts them in again, which gives them the price of now. */
export function renewPrices(order, productIds) {
  return inTurn(async () => {
    let latest = order
    for (const { productId, quantity } of order.items.filter(item => productIds.includes(item.productId))) {
      latest = noteOrder(await replace(order.id, productId, quantity))
    }
    return latest
  })
}

export async function checkOut(orderId, paymentMethod) {
  return noteOrder(
    await inTurn(() => act('POST', `/orders/${encodeURIComponent(orderId)}/checkout`, { paymentMethod })),
  )
}

export async function cancelOrder(orderId, reason) {
  return noteOrder(await act('POST', `/orders/${encodeURIComponent(orderId)}/cancel`, reason === '' ? {} : { reason }))
}

async function replace(orderId, productId, quantity) {
  let latest
  try {
    latest = await act('DELETE', `${itemsOf(orderId)}/${encodeURIComponent(productId)}`)
  } catch (error) {
    // It is out: an earlier try got through, or another tab was faster.
    if (!hasReason(error, 'ITEM_NOT_IN_ORDER')) throw error
    latest = await get(`/orders/${encodeURIComponent(orderId)}`)
  }
  return quantity === 0 ? latest : addTo(orderId, productId, quantity)
}

const addTo = (orderId, productId, quantity) => act('POST', itemsOf(orderId), { productId, quantity })

const itemsOf = orderId => `/orders/${encodeURIComponent(orderId)}/items`

function hasReason(error, ...reasons) {
  return error instanceof Problem && reasons.includes(error.reason)
}
