import type { OpenApiDocument } from '../../contract/openapi.ts'
import type { JsonSchema } from '../../schema/schema.ts'
import { curl } from './curl.ts'
import { exampleOf, type Schemas } from './example.ts'
import { type Html, html } from './html.ts'
import { prose, words } from './prose.ts'
import { field, members } from './schema.ts'

/** An operation of a document, with where it is. */
export interface Described {
  readonly method: string
  readonly path: string
  readonly operation: JsonSchema
}

/** Its anchor in the page. */
export function anchor({ operation }: Described): string {
  return String(operation.operationId).replace(/[^A-Za-z0-9]+/g, '-')
}

/** What it is called: its summary, or else its name. */
export function titleOf({ operation }: Described): string {
  return String(operation.summary ?? operation.operationId)
}

/** Everything about one operation. */
export function operationArticle(described: Described, document: OpenApiDocument): Html {
  const { method, path, operation } = described
  const schemas = (document.components.schemas ?? {}) as Schemas
  const parameters = (operation.parameters ?? []) as readonly JsonSchema[]
  const body = bodyOf(operation)
  const security = (operation.security ?? []) as readonly unknown[]
  const responses = Object.entries((operation.responses ?? {}) as Schemas)
  const streams = responses.some(([, response]) => 'text/event-stream' in contentOf(response))
  const id = anchor(described)
  const parts = { method, path, parameters, body, signedIn: security.length > 0, streams }
  return html`<article id="${id}" data-operation="${`${method} ${path} ${titleOf(described)}`.toLowerCase()}">
  <header>
    <h3><a href="#${id}">${words(titleOf(described))}</a></h3>
    <p class="route"><span class="method ${method.toLowerCase()}">${method}</span> <code>${path.split('/').map(breakable)}</code></p>
    <p class="notes">${security.length > 0 ? html`<span class="note">signed in</span>` : html`<span class="note open">open to all</span>`}${streams ? html`<span class="note">stream</span>` : ''}${operation.deprecated === true ? html`<span class="note old">deprecated</span>` : ''}</p>
  </header>
  <div class="told">
    ${prose(operation.description as string | undefined)}
    ${parameterList(parameters, schemas)}
    ${body === undefined ? '' : html`<h4>Body</h4>${members(body, schemas) ?? html`<p>A JSON object.</p>`}`}
    <h4>Answers</h4>
    <ul class="answers">${responses.map(([status, response]) => answer(status, response, document))}</ul>
  </div>
  <div class="shown">${sample('Try it', curl(parts, schemas))}${successSample(responses, schemas)}</div>
</article>`
}

/** Paths are long and screens are narrow: a line may end behind each slash. */
function breakable(segment: string, index: number): Html {
  return index === 0 ? html`` : html`/<wbr>${segment}`
}

function parameterList(parameters: readonly JsonSchema[], schemas: Schemas): Html {
  const places = [
    ['path', 'In the path'],
    ['query', 'In the query'],
    ['header', 'Headers'],
  ] as const
  return html`${places.map(([place, title]) => {
    const here = parameters.filter(parameter => parameter.in === place)
    if (here.length === 0) return ''
    const fields = here.map(({ name, schema, required, description }) =>
      field(String(name), { ...(schema as JsonSchema), description }, required === true, schemas),
    )
    return html`<h4>${title}</h4><ul class="fields">${fields}</ul>`
  })}`
}

function answer(status: string, of: JsonSchema, document: OpenApiDocument): Html {
  const response = typeof of.$ref === 'string' ? shared(of.$ref, document) : of
  const schema = Number(status) < 400 ? itemSchema(response) : undefined
  const inner = schema === undefined ? undefined : members(schema, (document.components.schemas ?? {}) as Schemas)
  const text = String(response.description ?? '')
  return html`<li class="${Number(status) < 400 ? 'good' : 'bad'}"><span class="status">${status}</span><div>${prose(text)}${inner === undefined ? '' : html`<details><summary>members</summary>${inner}</details>`}</div></li>`
}

function shared(ref: string, document: OpenApiDocument): JsonSchema {
  const responses = (document.components.responses ?? {}) as Schemas
  return responses[ref.slice(ref.lastIndexOf('/') + 1)] ?? {}
}

function bodyOf(operation: JsonSchema): JsonSchema | undefined {
  const { content } = (operation.requestBody ?? {}) as { content?: Schemas }
  return content?.['application/json']?.schema as JsonSchema | undefined
}

function contentOf(response: JsonSchema): Schemas {
  return (response.content ?? {}) as Schemas
}

/** Schema of an answer, or of one item of a stream. */
function itemSchema(response: JsonSchema): JsonSchema | undefined {
  const content = contentOf(response)
  return (content['application/json']?.schema ?? content['text/event-stream']?.['x-item']) as JsonSchema | undefined
}

function successSample(responses: readonly (readonly [string, JsonSchema])[], schemas: Schemas): Html {
  for (const [status, response] of responses) {
    const schema = Number(status) < 400 ? itemSchema(response) : undefined
    if (schema === undefined) continue
    const title = 'application/json' in contentOf(response) ? `Answer, ${status}` : 'One item of the stream'
    return sample(title, html`${JSON.stringify(exampleOf(schema, schemas), null, 2)}`)
  }
  return html``
}

function sample(title: string, code: Html): Html {
  return html`<figure><figcaption>${title}</figcaption><pre tabindex="0"><code>${code}</code></pre><button type="button" data-copy hidden>Copy</button></figure>`
}
