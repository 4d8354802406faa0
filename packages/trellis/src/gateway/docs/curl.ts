import type { JsonSchema } from '../../schema/schema.ts'
import { exampleOf, type Schemas } from './example.ts'
import { type Html, html } from './html.ts'

/** What of an operation a command needs. */
export interface CurlParts {
  readonly method: string
  readonly path: string
  readonly parameters: readonly JsonSchema[]
  readonly body: JsonSchema | undefined
  readonly signedIn: boolean
  readonly streams: boolean
}

/** A command to copy into a POSIX shell. The script puts the address of the page in front of the path. */
export function curl(parts: CurlParts, schemas: Schemas): Html {
  const path = parts.path.replace(/\{([^}]+)\}/g, (_, name: string) => placeholder(name))
  const query = parts.parameters
    .filter(parameter => parameter.in === 'query' && parameter.required === true)
    .map(parameter => `${parameter.name}=${encodeURIComponent(String(exampleOf(schemaOf(parameter), schemas)))}`)
    .join('&')
  const target = query === '' ? path : `${path}?${query}`
  const flags = [...(parts.streams ? ['-N'] : []), ...(parts.method === 'GET' ? [] : [`-X ${parts.method}`])]
  const lines = headersOf(parts).map(header => `-H ${quoted(header)}`)
  if (parts.body !== undefined) lines.push(`-d ${quoted(JSON.stringify(exampleOf(parts.body, schemas)))}`)
  const rest = lines.map(line => ` \\\n  ${line}`).join('')
  return html`curl ${flags.map(flag => `${flag} `)}"<span data-origin>http://localhost:8080</span>${target}"${rest}`
}

function headersOf(parts: CurlParts): string[] {
  const headers: string[] = []
  if (parts.signedIn) headers.push('authorization: Bearer TOKEN')
  if (parts.parameters.some(({ name }) => name === 'idempotency-key'))
    headers.push('idempotency-key: a-new-one-each-time')
  if (parts.streams) headers.push('accept: text/event-stream')
  if (parts.body !== undefined) headers.push('content-type: application/json')
  return headers
}

function schemaOf(parameter: JsonSchema): JsonSchema {
  return (parameter.schema ?? {}) as JsonSchema
}

/** `orderId` becomes `ORDER_ID`, which is seen to be no id. */
function placeholder(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
