import { h, renderInto } from '../dom.js'
import { count } from '../format.js'
import { announce } from '../parts/announce.js'
import { isCancelled } from '../parts/banner.js'
import { once } from '../parts/busy.js'
import { empty } from '../parts/empty.js'
import { espalierArt } from '../parts/espalier-art.js'
import { productCard } from '../parts/product-card.js'
import { trouble } from '../parts/trouble.js'
import { categories, categoryName, findProducts } from '../state/catalogue.js'

const PAGE = 12
/** Of each category on the first page. */
const SAMPLE = 4

/** What was shown last, so that the way back leads to the same place. */
let left = /** @type {any} */ (undefined)

/** The shelves: some of each category; all of one; or what a search finds. */
export function browseView(query, signal, _parameters, isReturn) {
  const heading = h('h1', {})
  const summary = h('p', { class: 'quiet' })
  const rail = h('nav', { class: 'rail', 'aria-label': 'Categories' })
  const place = h('div', { class: 'shelves' })
  const intro = h('div', { class: 'intro' })
  const element = h('div', { class: 'browse' }, intro, rail, place)

  let filter = filterOf(query)
  let asked = new AbortController()
  let shown = /** @type {any} */ (undefined)
  signal.addEventListener('abort', () => {
    asked.abort()
    left = { key: JSON.stringify(filter), shown, top: scrollY }
  })

  const title = () => (filter.q ? `“${filter.q}”` : filter.category ? categoryName(filter.category) : 'A general store')
  const isHome = () => filter.q === '' && filter.category === ''

  const returned = isReturn && left?.key === JSON.stringify(filter) && left.shown !== undefined ? left : undefined
  void update(query, returned?.shown)
  return { title, tab: 'shop', element, update, ...(returned === undefined ? {} : { top: returned.top }) }

  /** @returns {Promise<void> | void} */
  function update(next, known) {
    filter = filterOf(next)
    asked.abort()
    asked = new AbortController()
    heading.textContent = isHome() ? 'Good things, plainly made.' : title()
    summary.textContent = '\u00a0'
    intro.replaceChildren(heading, ...(isHome() ? [lead(), espalierArt()] : [summary]))
    renderInto(
      rail,
      chip('', 'Everything', filter),
      categories.map(({ id, name }) => chip(id, name, filter)),
    )
    const { signal: mine } = asked
    if (known === undefined) return load(mine)
    shown = known
    render(mine)
  }

  async function load(mine) {
    if (shown === undefined) place.replaceChildren(h('ul', { class: 'shelf' }, Array.from({ length: 8 }, ghost)))
    place.setAttribute('aria-busy', 'true')
    try {
      const found = isHome()
        ? await samples(mine)
        : await findProducts({ ...filter, cursor: undefined, limit: PAGE }, mine)
      if (mine.aborted) return
      shown = found
      render(mine)
      if (!isHome()) announce(summary.textContent ?? '')
    } catch (error) {
      if (isCancelled(error) || mine.aborted) return
      shown = undefined
      summary.textContent = ''
      place.replaceChildren(trouble(error, () => load(mine)))
    } finally {
      if (!mine.aborted) place.removeAttribute('aria-busy')
    }
  }

  function render(mine) {
    if (isHome()) return place.replaceChildren(...shown.map(({ category, items }) => department(category, items, mine)))
    const { items, nextCursor } = shown
    summary.textContent =
      nextCursor === undefined ? count(items.length, 'product') : `The first ${items.length} products`
    if (items.length === 0) {
      return place.replaceChildren(
        empty(
          { heading: 'Nothing like that here', text: 'Try another word, or look around.' },
          h('a', { class: 'button', href: '#/' }, 'Show everything'),
        ),
      )
    }
    const shelf = h(
      'ul',
      { class: 'shelf' },
      items.map(product => productCard(product, mine, { namesCategory: filter.category === '' })),
    )
    const more = h(
      'button',
      { type: 'button', class: 'button', onclick: () => once(more, () => extend(mine)) },
      'Show more',
    )
    place.replaceChildren(shelf, ...(nextCursor === undefined ? [] : [h('div', { class: 'more' }, more)]))
  }

  async function extend(mine) {
    const next = await findProducts({ ...filter, cursor: shown.nextCursor, limit: PAGE }, mine)
    const before = shown.items.length
    shown = { ...next, items: [...shown.items, ...next.items] }
    render(mine)
    place.querySelectorAll('.card-link')[before]?.focus()
    announce(`${count(next.items.length, 'more product')}.`)
  }
}

function filterOf(query) {
  return { category: query.get('category') ?? '', q: query.get('q') ?? '' }
}

/** Some of each category; those that are empty are left out. */
async function samples(signal) {
  const found = await Promise.all(
    categories.map(async category => {
      const { items } = await findProducts(
        { category: category.id, q: undefined, cursor: undefined, limit: SAMPLE },
        signal,
      )
      return { category, items }
    }),
  )
  return found.filter(({ items }) => items.length > 0)
}

function department({ id, name }, items, signal) {
  return h(
    'section',
    { class: 'department', 'aria-labelledby': `department-${id}` },
    h(
      'header',
      { class: 'department-head' },
      h('h2', { id: `department-${id}` }, name),
      h('a', { href: `#/?category=${id}` }, 'See all', h('span', { class: 'unseen' }, ` of ${name}`)),
    ),
    h(
      'ul',
      { class: 'shelf' },
      items.map(product => productCard(product, signal)),
    ),
  )
}

function lead() {
  return h(
    'p',
    { class: 'lead' },
    'Two hundred useful things for the kitchen, the garden, the desk and the rest of the day.',
  )
}

function chip(id, name, filter) {
  const query = new URLSearchParams()
  if (id !== '') query.set('category', id)
  if (filter.q !== '') query.set('q', filter.q)
  return h(
    'a',
    {
      class: `chip chip-${id || 'all'}`,
      href: query.size === 0 ? '#/' : `#/?${query}`,
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
