import { showProblem } from './banner.js'

/**
 * Runs what a button is for, once: until it has ended further presses do nothing. A failure is shown, with the way to try again. The button keeps the
 * focus, so it is not disabled but says that it is busy.
 *
 * @param {HTMLElement} button
 * @param {() => Promise<unknown>} work
 * @param {(error: unknown) => void} [onError]
 */
export async function once(button, work, onError) {
  if (button.getAttribute('aria-busy') === 'true') return
  button.setAttribute('aria-busy', 'true')
  try {
    await work()
  } catch (error) {
    if (onError === undefined) showProblem(error, { retry: () => void once(button, work, onError) })
    else onError(error)
  } finally {
    button.removeAttribute('aria-busy')
  }
}
