import { askAccount } from './parts/account-dialog.js'
import { showBanner } from './parts/banner.js'
import { startHeader } from './parts/header.js'
import { startToasts } from './parts/toasts.js'
import { reload, startRouter } from './router.js'
import { ending, session } from './state/session.js'
import { accountView } from './views/account.js'
import { basketView } from './views/basket.js'
import { browseView } from './views/browse.js'
import { missingView } from './views/missing.js'
import { notificationsView } from './views/notifications.js'
import { orderView } from './views/order.js'
import { ordersView } from './views/orders.js'
import { productView } from './views/product.js'

startHeader()
startToasts()
startRouter([
  ['#/', browseView],
  ['#/products/:id', productView],
  ['#/basket', basketView],
  ['#/orders', ordersView],
  ['#/orders/:id', orderView],
  ['#/notifications', notificationsView],
  ['#/account', accountView],
  ['#/missing', missingView],
])

document.getElementById('skip')?.addEventListener('click', event => {
  event.preventDefault()
  document.getElementById('main')?.focus()
})

// What a view shows depends on who is signed in; the catalogue does not.
let userId = session.value?.user.id
session.watch(current => {
  if (current?.user.id === userId) return
  userId = current?.user.id
  if (/^#\/(basket|orders|notifications|account)/.test(location.hash)) reload()
})

ending.watch(why => {
  if (why !== 'expired') return
  showBanner({
    heading: 'You have been signed out',
    text: 'A session lasts an hour. Your orders are kept; sign in to go on.',
    tone: 'plain',
    action: { label: 'Sign in', run: () => void askAccount('sign-in') },
  })
})
