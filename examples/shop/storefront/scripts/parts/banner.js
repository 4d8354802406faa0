/** The one place where the page says that something did not work: what happened, and what can be done. */
import { h, icon } from '../dom.js'
import { Problem } from '../net/problem.js'

const place = () => /** @type {HTMLElement} */ (document.getElementById('banner'))

/**
 * @param {unknown} error
 * @param {{ title?: string, retry?: () => void }} [options]
 */
export function showProblem(error, { title, retry } = {}) {
  if (isCancelled(error)) return
  const { heading, text } = describe(error)
  showBanner({
    heading: title ?? heading,
    text,
    ...(retry === undefined ? {} : { action: { label: 'Try again', run: retry } }),
  })
}

/** @param {{ heading: string, text?: string, tone?: 'problem' | 'plain', action?: { label: string, run: () => void } }} banner */
export function showBanner({ heading, text, tone = 'problem', action }) {
  place().replaceChildren(
    h(
      'div',
      { class: `banner banner-${tone}` },
      icon(
        tone === 'problem'
          ? 'M12 4 2.5 20h19L12 4Zm0 6v5m0 2.5v.5'
          : 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18Zm0 8v6m0-10v.5',
      ),
      h('div', { class: 'banner-words' }, h('strong', {}, heading), text && h('p', {}, text)),
      action &&
        h(
          'button',
          {
            type: 'button',
            class: 'button button-small',
            onclick: () => {
              clearBanner()
              action.run()
            },
          },
          action.label,
        ),
      h(
        'button',
        { type: 'button', class: 'close', 'aria-label': 'Dismiss', onclick: clearBanner },
        icon('M6 6l12 12M18 6 6 18'),
      ),
    ),
  )
}

export function clearBanner() {
  place().replaceChildren()
}

/** A problem in the shop's own words. */
export function describe(error) {
  if (!(error instanceof Problem)) {
    console.error(error)
    return { heading: 'Something in this page went wrong', text: 'Reload it; your orders are safe in the shop.' }
  }
  switch (error.code) {
    case 'unavailable':
    case 'deadline_exceeded':
      return error.status === 0
        ? { heading: 'No connection to the shop', text: `${error.message} Nothing is lost.` }
        : {
            heading: 'A part of the shop is resting',
            text: 'What is behind this does not answer right now. Nothing is lost; try again in a moment.',
          }
    case 'resource_exhausted':
      return {
        heading: 'One moment',
        text:
          error.retryAfterMs === undefined
            ? error.message
            : `${error.message} Try again in ${waitOf(error.retryAfterMs)}.`,
      }
    case 'internal':
      return { heading: 'Something went wrong in the shop', text: 'It has been written down. Try again in a moment.' }
    default:
      return { heading: 'That did not work', text: error.message }
  }
}

/** Whether a request ended because its view was left. */
export function isCancelled(error) {
  return error instanceof DOMException && error.name === 'AbortError'
}

function waitOf(ms) {
  const seconds = Math.max(1, Math.ceil(ms / 1000))
  return seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} minutes`
}
