/** Tells those who listen to the page what others see change. Each text is said in full, also when it is said twice. */
export function announce(text) {
  const place = document.getElementById('announcer')
  if (place === null) return
  const line = document.createElement('p')
  line.textContent = text
  place.append(line)
  while (place.childElementCount > 5) place.firstElementChild?.remove()
}
