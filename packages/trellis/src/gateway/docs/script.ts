/** The page works without it; it filters the list of operations and copies examples. */
export const SCRIPT: string = `'use strict'
const filter = document.querySelector('#filter')
const operations = [...document.querySelectorAll('[data-operation]')]
const groups = [...document.querySelectorAll('[data-group]')]
const none = document.querySelector('#none')
const apply = () => {
  const words = filter.value.toLowerCase().split(/\\s+/).filter(word => word !== '')
  for (const operation of operations) {
    operation.hidden = !words.every(word => operation.dataset.operation.includes(word))
  }
  for (const group of groups) group.hidden = !group.querySelector('[data-operation]:not([hidden])')
  none.hidden = groups.some(group => !group.hidden)
}
filter.closest('[hidden]')?.removeAttribute('hidden')
filter.addEventListener('input', apply)
filter.addEventListener('keydown', event => {
  if (event.key !== 'Escape') return
  filter.value = ''
  apply()
})
document.addEventListener('keydown', event => {
  const typing = event.target.closest('input, textarea, select, [contenteditable]')
  if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  filter.focus()
})
if (navigator.clipboard) {
  for (const button of document.querySelectorAll('[data-copy]')) {
    button.hidden = false
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector('code').textContent)
      button.textContent = 'Copied'
      setTimeout(() => { button.textContent = 'Copy' }, 1500)
    })
  }
}
const origin = location.origin
for (const slot of document.querySelectorAll('[data-origin]')) slot.textContent = origin
const menu = document.querySelector('.menu')
const narrow = matchMedia('(max-width: 60rem)')
const fold = () => { menu.open = !narrow.matches }
fold()
// What was folded moved everything below it.
if (location.hash !== '') document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView()
narrow.addEventListener('change', fold)
menu.addEventListener('click', event => {
  if (narrow.matches && event.target.closest('a')) menu.open = false
})
const links = new Map([...document.querySelectorAll('.menu a[href^="#"]')].map(link => [link.hash.slice(1), link]))
const spy = new IntersectionObserver(entries => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue
    for (const link of links.values()) link.removeAttribute('aria-current')
    links.get(entry.target.id)?.setAttribute('aria-current', 'true')
  }
}, { rootMargin: '-10% 0px -80% 0px' })
for (const article of document.querySelectorAll('main article')) spy.observe(article)
`
