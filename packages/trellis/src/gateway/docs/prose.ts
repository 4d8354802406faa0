import { type Html, html } from './html.ts'

/** Text of a contract as HTML: paragraphs, lists of lines that begin with `- `, and words in backticks. Nothing else is markup. */
export function prose(text: string | undefined): Html {
  if (text === undefined) return html``
  return html`${text.split(/\n{2,}/).map(block)}`
}

function block(text: string): Html {
  const lines = text.split('\n').filter(line => line !== '')
  if (lines.length > 0 && lines.every(line => line.startsWith('- '))) {
    return html`<ul>${lines.map(line => html`<li>${words(line.slice(2))}</li>`)}</ul>`
  }
  return html`<p>${words(lines.join(' '))}</p>`
}

/** One line: only words in backticks are marked. */
export function words(text: string): Html {
  return html`${text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}`
}
