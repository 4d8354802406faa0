/** One order: filled while it is open, watched when it is on its way, read when it is over. */
import { h, renderInto } from '../dom.js'
import { money, shortId, when } from '../format.js'
import { announce } from '../parts/announce.js'
import { showProblem } from '../parts/banner.js'
import { once } from '../parts/busy.js'
import { askCancel } from '../parts/cancel-dialog.js'
import { checkoutPanel } from '../parts/checkout-panel.js'
import { empty } from '../parts/empty.js'
import { orderLines } from '../parts/order-lines.js'
import { orderTimeline } from '../parts/order-timeline.js'
import { orderTrack } from '../parts/order-track.js'
import { cancellationWords, eventWords, statusWord } from '../parts/order-words.js'
import { signInFirst } from '../parts/sign-in-first.js'
import { trouble } from '../parts/trouble.js'
import { go, renameView } from '../router.js'
import { cancelOrder, orderAgain, setQuantity } from '../state/basket.js'
import { forgetStock } from '../state/catalogue.js'
import { isFinal, watchOrder } from '../state/order-watch.js'
import { session } from '../state/session.js'
import { missingView } from './missing.js'

/** Waiting this long is worth a word. */
const LONG_MS = 6_000

export function orderView(_query, signal, { id }) {
  const element = h('div', {}, h('h1', {}, `Order ${shortId(id)}`))
  if (session.value === null) element.append(signInFirst('An order is shown to its owner alone.'))
  else showOrder(id, element, signal, { isBasket: false })
  return { title: `Order ${shortId(id)}`, tab: 'orders', element }
}

/**
 * Shows an order in `element` and keeps it up to date.
 *
 * @param {string} id
 * @param {HTMLElement} element
 * @param {AbortSignal} signal
 * @param {{ isBasket: boolean }} options
 */
export function showOrder(id, element, signal, { isBasket }) {
  const watched = watchOrder(id, signal)
  const { order, entries, line, change, problem } = watched
  const heading = h('h1', { tabindex: -1 }, isBasket ? 'Basket' : `Order ${shortId(id)}`)
  const about = h('div', { class: 'order-about' })
  const track = h('div', { class: 'track-place' })
  const state = h('div', { class: 'order-state' })
  const lines = h('section', { class: 'panel order-lines', 'aria-label': 'Items' })
  const side = h('div', { class: 'order-side' })
  const story = h('section', { class: 'panel story', 'aria-label': 'What has happened' })
  const loaded = h(
    'div',
    { class: 'order' },
    about,
    track,
    state,
    h('div', { class: 'order-columns' }, lines, h('div', { class: 'order-side-column' }, side, story)),
  )
  element.replaceChildren(heading, loaded)

  let freshFrom = Number.POSITIVE_INFINITY
  let sinceMs = performance.now()
  let wasOpen = false
  let linesShown = ''
  const nameOf = productId => order.value?.items.find(item => item.productId === productId)?.name ?? productId

  order.watch(show, signal)
  entries.watch(showStory, signal)
  line.watch(showStory, signal)
  change.watch(entry => {
    if (entry === undefined) return
    freshFrom = Math.min(freshFrom, entry.version)
    sinceMs = performance.now()
    if (!['ItemAdded', 'ItemRemoved'].includes(entry.type)) announce(`${eventWords(entry, nameOf).text}.`)
    if (['StockReserved', 'OrderConfirmed', 'OrderCancelled'].includes(entry.type)) forgetStock()
    showStory()
  }, signal)
  problem.watch(error => {
    if (error === undefined) return element.replaceChildren(heading, loaded)
    element.replaceChildren(
      ...(error.status === 404 ? [missingView().element] : [heading, trouble(error, watched.start)]),
    )
  }, signal)
  const slow = setInterval(() => order.value?.status === 'pending' && showState(order.value), 1_000)
  signal.addEventListener('abort', () => clearInterval(slow), { once: true })

  function show(now) {
    if (now === undefined) return
    const isOpen = now.status === 'created'
    loaded.classList.toggle('order-open', isOpen)
    if (wasOpen && !isOpen) leaveBasket(now)
    wasOpen = isOpen
    renderInto(
      about,
      h('span', { class: `pill pill-${now.status}` }, statusWord(now)),
      h(
        'span',
        { class: 'quiet' },
        isBasket && isOpen
          ? `Order ${shortId(now.id)}, opened ${when(now.createdAt)}`
          : `Opened ${when(now.createdAt)}`,
      ),
    )
    showState(now)
    showLines(now)
    if (isOpen && now.items.length > 0) {
      // Rendered once and kept, lest a change of the order takes away the chosen way to pay.
      if (!side.querySelector('.checkout')) side.replaceChildren(checkoutPanel(watched))
    } else renderInto(side, actions(now))
    showStory()
  }

  /** Only when they have changed, lest it disturbs somebody who types a number. */
  function showLines(now, again = false) {
    const isOpen = now.status === 'created'
    const key = JSON.stringify([isOpen, now.items])
    if (key === linesShown && !again) return
    linesShown = key
    renderInto(lines, itemsOf(now, isOpen))
  }

  function itemsOf(now, isOpen) {
    if (now.items.length === 0) {
      return empty(
        { heading: 'Nothing in it yet', text: 'Things that you add wait here until you check out.' },
        h('a', { class: 'button button-main', href: '#/' }, 'Look around'),
      )
    }
    const change = isOpen
      ? async (productId, quantity) => {
          try {
            watched.take(await setQuantity(order.value, productId, quantity))
            announce(quantity === 0 ? 'Taken out.' : `${quantity} in the basket. Total ${money(order.value.total)}.`)
          } catch (error) {
            showProblem(error, { retry: () => void change?.(productId, quantity) })
            await watched.refresh() // of two steps the first may have been taken
            showLines(order.value, true)
          }
        }
      : undefined
    return orderLines(now, change, signal)
  }

  /** It is on its way: the same view goes on under the order's own address. */
  function leaveBasket(now) {
    heading.textContent = `Order ${shortId(now.id)}`
    document.title = `Order ${shortId(now.id)} · Espalier`
    if (isBasket) renameView(`#/orders/${encodeURIComponent(now.id)}`, 'orders')
    sinceMs = performance.now()
    heading.focus({ preventScroll: true })
    scrollTo({ top: 0 })
  }

  function showState(now) {
    const isLong = performance.now() - sinceMs > LONG_MS
    const words = stateWords(now, isLong, nameOf)
    const key = words?.join('|') ?? ''
    if (state.dataset.words === key) return
    state.dataset.words = key
    state.className = `order-state state-${now.status}`
    state.replaceChildren(...(words === undefined ? [] : [h('h2', {}, words[0]), h('p', {}, words[1])]))
  }

  function actions(now) {
    const cancel = h(
      'button',
      {
        type: 'button',
        class: 'button',
        'data-key': 'cancel',
        onclick: () =>
          once(cancel, async () => {
            const reason = await askCancel()
            if (reason !== undefined) watched.take(await cancelOrder(now.id, reason))
          }),
      },
      'Cancel the order',
    )
    const again = h(
      'button',
      {
        type: 'button',
        class: 'button button-main',
        'data-key': 'again',
        onclick: () =>
          once(again, async () => {
            await orderAgain(now.items)
            go('#/basket')
          }),
      },
      now.status === 'cancelled' ? 'Try again with a new order' : 'Order the same again',
    )
    return [
      h('div', { class: 'row' }, !isFinal(now.status) && cancel, isFinal(now.status) && now.items.length > 0 && again),
    ]
  }

  function showStory() {
    const now = order.value
    if (now === undefined) return
    track.replaceChildren(...(now.status === 'created' ? [] : [orderTrack(now, entries.value)]))
    renderInto(
      story,
      h(
        'header',
        { class: 'story-head' },
        h('h2', {}, 'What has happened'),
        h('span', { class: `line line-${line.value}` }, lineWords[line.value]),
      ),
      entries.value.length === 0
        ? h('p', { class: 'quiet' }, 'The history can’t be read right now.')
        : orderTimeline(entries.value, { nameOf, freshFrom }),
    )
  }
}

const lineWords = { connecting: 'Connecting', live: 'Live', waiting: 'Reconnecting', ended: 'Complete' }

function stateWords(order, isLong, nameOf) {
  switch (order.status) {
    case 'pending':
      if (order.waitingFor === 'payment') {
        return isLong
          ? [
              'Waiting for the bank',
              'It takes its time. Your order is safe and goes on by itself; you may leave this page.',
            ]
          : ['Paying', 'Your things are set aside. The bank has been asked.']
      }
      return isLong
        ? [
            'Waiting for the shelf',
            'Stock can’t be set aside right now. Your order is safe and goes on by itself; you may leave this page.',
          ]
        : ['Setting your things aside', 'The order has been placed.']
    case 'confirmed':
      return ['Thank you, it is on its way', `${money(order.total)} has been paid. We are packing your things.`]
    case 'cancelled': {
      const { code } = order.cancellation ?? { code: '' }
      const why = order.cancellation === undefined ? '' : cancellationWords(order.cancellation, nameOf)
      if (code === 'PAYMENT_DECLINED')
        return ['The payment was declined', 'Nothing was charged. Try again with another way to pay.']
      if (code === 'OUT_OF_STOCK') return ['Not enough on the shelf', `${why} Nothing was charged.`]
      return ['The order was cancelled', why]
    }
    default:
      return undefined
  }
}
