import { h } from '../dom.js'
import { Problem } from '../net/problem.js'
import { cancelOrder, checkOut, renewPrices } from '../state/basket.js'
import { announce } from './announce.js'
import { showProblem } from './banner.js'
import { once } from './busy.js'
import { askCancel } from './cancel-dialog.js'
import { paymentMethods } from './order-words.js'
import { askNewPrices } from './price-change.js'

/**
 * How to pay, and the button that orders.
 *
 * @param {ReturnType<typeof import('../state/order-watch.js').watchOrder>} watched
 */
export function checkoutPanel({ order, take }) {
  const method = h(
    'select',
    { id: 'payment-method', name: 'paymentMethod' },
    paymentMethods.map(({ id, name }) => h('option', { value: id }, name)),
  )
  const submit = h('button', { type: 'submit', class: 'button button-main wide' }, 'Check out')
  const cancel = h(
    'button',
    {
      type: 'button',
      class: 'text-button',
      onclick: () =>
        once(cancel, async () => {
          const reason = await askCancel()
          if (reason !== undefined) take(await cancelOrder(order.value.id, reason))
        }),
    },
    'Cancel the order',
  )

  async function pay() {
    try {
      take(await checkOut(order.value.id, method.value))
      announce('The order has been placed.')
    } catch (error) {
      if (!(error instanceof Problem) || error.reason !== 'PRICE_CHANGED') throw error
      const { prices } = error.details
      if (!(await askNewPrices(order.value, prices))) return
      take(
        await renewPrices(
          order.value,
          prices.map(price => price.productId),
        ),
      )
      await pay() // should they have changed once more, it asks once more
    }
  }

  return h(
    'form',
    {
      class: 'panel checkout fields',
      'aria-label': 'Check out',
      onsubmit: event => {
        event.preventDefault()
        once(submit, pay, error => showProblem(error, { title: titleOf(error), retry: () => submit.click() }))
      },
    },
    h('h2', {}, 'Check out'),
    h(
      'div',
      { class: 'field' },
      h('label', { for: 'payment-method' }, 'Test payment'),
      method,
      h('small', {}, 'Each of these behaves in its own way, so that you can see what the shop makes of it.'),
    ),
    submit,
    cancel,
  )
}

function titleOf(error) {
  if (!(error instanceof Problem)) return undefined
  if (error.reason === 'UNKNOWN_PRODUCT') return 'Something in the basket is no longer for sale'
  return error.isOpen ? 'The order could not be placed yet' : undefined
}
