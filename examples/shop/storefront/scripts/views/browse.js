import { h, renderInto } from '../dom.js'
import { count } from '../format.js'
import { announce } from '../parts/announce.js'
import { isCancelled } from '../parts/banner.js'
import { once } from '../parts/busy.js'
import { empty } from '../parts/empty.js'
import { productCard } from '../parts/product-card.js'
import { trouble } from '../parts/trouble.js'
import { categories, categoryName, findProducts } from '../state/catalogue.js'

const PAGE = 24

/** What was shown last, so that the way back leads to the same place. */
let left = /** @type {any} */ (undefined)

/** The shelves: categories, search, products. */
export function browseView(query, signal, _parameters, isReturn) {
  const heading = h('h1', {})
  const summary = h('p', { class: 'quiet', id: 'summary' })
  const shelf = h('ul', { class: 'shelf' })
  const more = h('div', { class: 'more' })
  const rail = h('nav', { class: 'rail', 'aria-label': 'Categories' })
  const hero = h(
    'p',
    { class: 'lead' },
    'Two hundred useful things for the kitchen, the garden, the desk and the rest of the day.',
  )
  const element = h('div', { class: 'browse' }, h('div', { class: 'intro' }, heading, hero, summary), rail, shelf, more)

  let filter = { category: '', q: '' }
  let asked = new AbortController()
  signal.addEventListener('abort', () => asked.abort(), { once: true })
  let page = /** @type {{ items: any[], nextCursor?: string }} */ ({ items: [] })

  const title = () => (filter.q ? `“${filter.q}”` : filter.category ? categoryName(filter.category) : 'A general store')

  function update(next) {
    filter = { category: next.get('category') ?? '', q: next.get('q') ?? '' }
    asked.abort()
    asked = new AbortController()
    heading.textContent = filter.q || filter.category ? title() : 'Good things, plainly made.'
    hero.hidden = filter.q !== '' || filter.category !== ''
    renderInto(
      rail,
      chip('', 'Everything', filter),
      categories.map(({ id, name }) => chip(id, name, filter)),
    )
    rail.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center', behavior: 'instant' })
    return load(asked.signal)
  }

  async function load(mine) {
    summary.textContent = '\u00a0'
    more.replaceChildren()
    shelf.setAttribute('aria-busy', 'true')
    if (page.items.length === 0) shelf.replaceChildren(...Array.from({ length: 8 }, ghost))
    try {
      page = await findProducts({ ...filter, cursor: undefined, limit: PAGE }, mine)
    } catch (error) {
      if (isCancelled(error) || mine.aborted) return
      page = { items: [] }
      summary.textContent = ''
      shelf.removeAttribute('aria-busy')
      return shelf.replaceChildren(
        h(
          'li',
          { class: 'whole' },
          trouble(error, () => load(mine)),
        ),
      )
    }
    shelf.replaceChildren(...page.items.map(product => productCard(product, mine)))
    shelf.removeAttribute('aria-busy')
    tell()
    if (filter.q || filter.category) announce(summary.textContent ?? '')
  }

  function tell() {
    const { items, nextCursor } = page
    summary.textContent =
      filter.q || filter.category
        ? nextCursor === undefined
          ? count(items.length, 'product')
          : `${items.length} products, and more`
        : ''
    if (items.length === 0) {
      shelf.replaceChildren(
        h(
          'li',
          { class: 'whole' },
          empty(
            { heading: 'Nothing like that here', text: 'Try another word, or look around.' },
            h('a', { class: 'button', href: '#/' }, 'Show everything'),
          ),
        ),
      )
    }
    if (nextCursor === undefined) return more.replaceChildren()
    const button = h('button', { type: 'button', class: 'button', onclick: () => once(button, extend) }, 'Show more')
    more.replaceChildren(button)
  }

  async function extend() {
    const mine = asked.signal
    const next = await findProducts({ ...filter, cursor: page.nextCursor, limit: PAGE }, mine)
    const cards = next.items.map(product => productCard(product, mine))
    page = { ...next, items: [...page.items, ...next.items] }
    shelf.append(...cards)
    tell()
    cards[0]?.querySelector('a')?.focus()
    announce(`${next.items.length} more products.`)
  }

  signal.addEventListener('abort', () => {
    left = { key: JSON.stringify(filter), page, top: scrollY }
  })

  const key = JSON.stringify({ category: query.get('category') ?? '', q: query.get('q') ?? '' })
  if (isReturn && left?.key === key && left.page.items.length > 0) {
    const { page: kept, top } = left
    void update(query)
    asked.abort()
    asked = new AbortController()
    page = kept
    shelf.replaceChildren(...page.items.map(product => productCard(product, asked.signal)))
    shelf.removeAttribute('aria-busy')
    tell()
    return { title, tab: 'shop', element, update, top }
  }
  void update(query)
  return { title, tab: 'shop', element, update }
}

function chip(id, name, filter) {
  const query = new URLSearchParams()
  if (id !== '') query.set('category', id)
  if (filter.q !== '') query.set('q', filter.q)
  const search = query.size === 0 ? '' : `?${query}`
  return h(
    'a',
    {
      class: `chip chip-${id || 'all'}`,
      href: `#/${search}`,
      'data-key': `chip-${id}`,
      'aria-current': id === filter.category ? 'true' : undefined,
    },
    name,
  )
}

const ghost = () =>
  h(
    'li',
    { class: 'card card-ghost', 'aria-hidden': 'true' },
    h('div', { class: 'ghost-art' }),
    h('div', { class: 'ghost-line' }),
  )
