/** What the states and events of an order are called on the page, and which service they come from. */
import { money } from '../format.js'

/** Ways to pay of the test provider. */
export const paymentMethods = [
  { id: 'pm_ok', name: 'Test card: is accepted', short: 'the test card' },
  { id: 'pm_declined', name: 'Test card: is declined', short: 'the card that is declined' },
  { id: 'pm_slow', name: 'Slow bank: answers after 3 seconds', short: 'the slow bank' },
  { id: 'pm_flaky', name: 'Shaky bank: fails twice, then accepts', short: 'the shaky bank' },
  { id: 'pm_lost', name: 'Lost answer: charges once, answers late', short: 'the bank whose answer is lost' },
]

/** An order's state in a word or two. */
export function statusWord(order) {
  switch (order.status) {
    case 'created':
      return 'In the basket'
    case 'pending':
      return order.waitingFor === 'payment' ? 'Waiting for payment' : 'Waiting for stock'
    case 'confirmed':
      return 'Confirmed'
    case 'cancelled':
      return 'Cancelled'
    default:
      return order.status
  }
}

/**
 * One event of an order as a line: what happened, and the service that did it.
 *
 * @param {{ type: string, data: any }} entry
 * @param {(productId: string) => string} nameOf
 * @returns {{ text: string, by: string, tone?: 'good' | 'bad' }}
 */
export function eventWords({ type, data }, nameOf) {
  switch (type) {
    case 'OrderCreated':
      return { text: 'Order opened', by: 'orders' }
    case 'ItemAdded':
      return { text: `${data.quantity} × ${data.name ?? nameOf(data.productId)} added`, by: 'orders' }
    case 'ItemRemoved':
      return { text: `${nameOf(data.productId)} taken out`, by: 'orders' }
    case 'CheckoutStarted': {
      const method = paymentMethods.find(({ id }) => id === data.paymentMethod)?.short ?? data.paymentMethod
      return { text: `Checked out for ${money(data.total)} with ${method}`, by: 'orders' }
    }
    case 'StockReserved':
      return { text: 'Everything set aside on the shelf', by: 'inventory' }
    case 'PaymentRequested':
      return { text: `${money(data.amount)} asked for`, by: 'orders' }
    case 'PaymentCaptured':
      return { text: `${money(data.amount)} received`, by: 'payments', tone: 'good' }
    case 'OrderConfirmed':
      return { text: 'Order confirmed', by: 'orders', tone: 'good' }
    case 'OrderCancelled':
      return { text: `Order cancelled. ${cancellationWords(data, nameOf)}`, by: cancelledBy(data.code), tone: 'bad' }
    default:
      return { text: type, by: 'orders' }
  }
}

/** Why an order was cancelled, with products by their names. */
export function cancellationWords({ message }, nameOf) {
  return message.replace(/\bp-[\w-]+/g, id => nameOf(id))
}

function cancelledBy(code) {
  if (code === 'PAYMENT_DECLINED') return 'payments'
  return code === 'OUT_OF_STOCK' || code === 'RESERVATION_ENDED' ? 'inventory' : 'orders'
}
