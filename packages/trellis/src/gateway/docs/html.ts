const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** HTML, as opposed to text that has yet to be escaped. */
export interface Html {
  readonly html: string
}

/** What a template takes: text is escaped, HTML is not, lists are joined, nothing is left out. */
export type Piece = string | number | Html | readonly Piece[] | undefined | false

/**
 * HTML of a template; everything put into it is escaped unless it is HTML itself, so that a contract's words can't become markup.
 *
 * @example
 * html`<h1>${document.info.title}</h1>`
 */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  let text = strings[0] as string
  pieces.forEach((piece, index) => {
    text += toHtml(piece) + (strings[index + 1] as string)
  })
  return { html: text }
}

function toHtml(piece: Piece): string {
  if (piece === undefined || piece === false) return ''
  if (typeof piece === 'string') return escaped(piece)
  if (typeof piece === 'number') return String(piece)
  return 'html' in piece ? piece.html : piece.map(toHtml).join('')
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => ENTITIES[character] as string)
}
