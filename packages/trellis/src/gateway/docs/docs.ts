import type { OpenApiDocument } from '../../contract/openapi.ts'
import { type Content, content } from '../content.ts'
import { docsPage } from './page.ts'
import { SCRIPT } from './script.ts'
import { STYLE } from './style.ts'

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M2 4h12M2 8h12M2 12h7" stroke="#2c9163" stroke-width="2" stroke-linecap="round"/></svg>'

/** The page that describes an API to people, with its style and script, by path. `address` is that of the OpenAPI document. */
export function docsFiles(document: OpenApiDocument, address: string): ReadonlyMap<string, Content> {
  const page = content('text/html; charset=utf-8', docsPage(document, address))
  return new Map([
    ['/docs', page],
    ['/docs/', page],
    ['/docs/style.css', content('text/css; charset=utf-8', STYLE)],
    ['/docs/icon.svg', content('image/svg+xml', ICON)],
    ['/docs/script.js', content('text/javascript; charset=utf-8', SCRIPT)],
  ])
}
