/** Runs inside a page under test: what a reader who sees little, or uses keys alone, would stumble over. */
globalThis.pageChecks = {
  violations: [],

  /** Sentences about what is wrong in the page as it stands; none when all is well. */
  problems() {
    return [...names(), ...structure(), ...contrast()]
  },

  /** How far the page is wider than its window, in pixels. */
  overflow: () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
}

addEventListener('securitypolicyviolation', event => {
  globalThis.pageChecks.violations.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`)
})

const show = element => element.outerHTML.slice(0, 120)

function names() {
  const problems = []
  for (const element of document.querySelectorAll('a[href], button, input, select, textarea, dialog, [role=group]')) {
    if (element.closest('[hidden]') !== null) continue
    const labelledBy = element.getAttribute('aria-labelledby')
    const name =
      element.getAttribute('aria-label') ??
      (labelledBy === null ? undefined : document.getElementById(labelledBy)?.textContent) ??
      element.labels?.[0]?.textContent ??
      (element.matches('a, button') ? element.textContent : '')
    if ((name ?? '').trim() === '') problems.push(`has no name: ${show(element)}`)
  }
  for (const svg of document.querySelectorAll('svg'))
    if (svg.getAttribute('aria-hidden') !== 'true' && svg.closest('svg') === svg)
      problems.push(`is a picture that is neither hidden nor named: ${show(svg)}`)
  return problems
}

function structure() {
  const problems = []
  const headings = document.querySelectorAll('h1').length
  if (headings !== 1) problems.push(`has ${headings} headings of the first level`)
  if (document.title === '') problems.push('has no title')
  const ids = [...document.querySelectorAll('[id]')].map(element => element.id)
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) problems.push(`has the id ${id} twice`)
  for (const element of document.querySelectorAll('[aria-describedby], [aria-labelledby]'))
    for (const id of `${element.getAttribute('aria-describedby') ?? ''} ${element.getAttribute('aria-labelledby') ?? ''}`.split(
      ' ',
    ))
      if (id !== '' && document.getElementById(id) === null) problems.push(`points to ${id}, which is not there`)
  for (const list of document.querySelectorAll('ul, ol'))
    for (const child of list.children)
      if (child.tagName !== 'LI') problems.push(`is in a list and no item: ${show(child)}`)
  return problems
}

/** Text against what is behind it, by WCAG 2.2, 1.4.3. */
function contrast() {
  const problems = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    if (walker.currentNode.data.trim() === '' || element.closest('svg, script, noscript, .unseen, option') !== null)
      continue
    if (!element.checkVisibility({ visibilityProperty: true })) continue
    const style = getComputedStyle(element)
    const size = Number.parseFloat(style.fontSize)
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700)
    const ratio = ratioOf(rgb(style.color), background(element))
    if (ratio < (isLarge ? 3 : 4.5))
      problems.push(
        `has a contrast of ${ratio.toFixed(2)}: ${walker.currentNode.data.trim().slice(0, 40)} (${show(element)})`,
      )
  }
  return problems
}

function background(element) {
  for (let at = element; at !== null; at = at.parentElement) {
    const color = rgb(getComputedStyle(at).backgroundColor)
    if (color[3] > 0.99) return color
  }
  return [255, 255, 255, 1]
}

function rgb(text) {
  const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number)
  return [r, g, b, text === 'transparent' ? 0 : a]
}

function ratioOf(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

function luminance([r, g, b]) {
  const [lr, lg, lb] = [r, g, b].map(value => {
    const part = value / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * lr + 0.7152 * lg + 0.0722 * lb
}
