/**
 * Views by the part of the address behind `#`. A view is `(query, signal, parameters, isReturn) => { title, tab, element, update?, top? }`; its signal is
 * aborted when it is left. On a change of the query alone a view with `update` stays and is told. A new view gets the focus on its heading, so that
 * keyboard and screen reader are where the page is. `isReturn`: one came here by the way back; `top` is then how far down one was.
 */
import { clearBanner } from './parts/banner.js'
import { markTab } from './parts/tabs.js'

const NAME = 'Espalier'

let routes = /** @type {readonly (readonly [string, Function])[]} */ ([])
let current = {
  pattern: /** @type {string | undefined} */ (undefined),
  view: /** @type {any} */ (undefined),
  leave: new AbortController(),
}

/** @param {readonly (readonly [string, Function])[]} table pattern (`#/orders/:id`) and view, the last one for all else */
export function startRouter(table) {
  routes = table
  addEventListener('hashchange', () => {
    if (isRoute(location.hash)) show(true)
  })
  show(false)
}

export function go(hash) {
  if (location.hash === hash) show(true)
  else location.hash = hash
}

/** Puts another address, and another tab, over the view that is shown, which stays. */
export function renameView(hash, tab) {
  markTab(tab)
  history.replaceState(history.state, '', hash)
  current.pattern = find(hash).pattern
}

/** Shows the view of now from the start. */
export function reload() {
  current.pattern = undefined
  show(false)
}

const isRoute = hash => hash === '' || hash.startsWith('#/')

function show(isMove) {
  const hash = isRoute(location.hash) ? location.hash || '#/' : '#/'
  const { pattern, view, parameters, query } = find(hash)
  const isReturn = history.state?.wasHere === true
  history.replaceState({ wasHere: true }, '')
  clearBanner()
  if (current.pattern === pattern && current.view?.update !== undefined) {
    current.view.update(query)
    document.title = titleOf(current.view)
    markTab(current.view.tab, query.get('q') ?? '')
    return
  }
  current.leave.abort()
  const leave = new AbortController()
  const next = view(query, leave.signal, parameters, isReturn)
  current = { pattern: Object.keys(parameters).length > 0 ? undefined : pattern, view: next, leave }
  document.title = titleOf(next)
  markTab(next.tab, query.get('q') ?? '')
  const main = /** @type {HTMLElement} */ (document.getElementById('main'))
  main.replaceChildren(next.element)
  if (!isMove) return
  const heading = main.querySelector('h1') ?? main
  heading.tabIndex = -1
  heading.focus({ preventScroll: true })
  scrollTo({ top: next.top ?? 0, behavior: 'instant' })
}

const titleOf = view => `${typeof view.title === 'function' ? view.title() : view.title} · ${NAME}`

function find(hash) {
  const [path = '', search = ''] = hash.split('?')
  const query = new URLSearchParams(search)
  const parts = path.split('/').filter(Boolean)
  for (const [pattern, view] of routes) {
    const parameters = match(pattern.split('/').filter(Boolean), parts)
    if (parameters !== undefined) return { pattern, view, parameters, query }
  }
  const [pattern, view] = routes[routes.length - 1]
  return { pattern, view, parameters: {}, query }
}

function match(pattern, parts) {
  if (pattern.length !== parts.length) return undefined
  const parameters = {}
  for (const [at, part] of pattern.entries()) {
    if (part.startsWith(':')) {
      try {
        parameters[part.slice(1)] = decodeURIComponent(parts[at])
      } catch {
        return undefined // not an address of ours
      }
    } else if (part !== parts[at]) return undefined
  }
  return parameters
}
