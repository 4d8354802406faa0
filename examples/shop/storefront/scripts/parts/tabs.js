/** Marks the tab of the view, and shows what the view searches for. */
export function markTab(name, search) {
  for (const link of document.querySelectorAll('.tabs a')) {
    if (link.getAttribute('data-tab') === name) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  const input = /** @type {HTMLInputElement} */ (document.getElementById('q'))
  if (document.activeElement !== input) input.value = search ?? ''
}
