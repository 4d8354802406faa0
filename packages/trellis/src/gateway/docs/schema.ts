import type { JsonSchema } from '../../schema/schema.ts'
import { resolve, type Schemas } from './example.ts'
import { type Html, html } from './html.ts'
import { prose } from './prose.ts'

/** Deeper members are not unfolded: a type within itself would never end. */
const MAX_DEPTH = 5

/** The members of an object, or of the objects that a list holds; undefined when there are none to tell of. */
export function members(of: JsonSchema, schemas: Schemas, depth = 0): Html | undefined {
  const { schema } = resolve(of, schemas)
  if (schema.type === 'array') return members((schema.items ?? {}) as JsonSchema, schemas, depth)
  const variants = variantsOf(schema)
  if (variants.length > 0) return variantList(variants, schemas, depth)
  const entries = Object.entries((schema.properties ?? {}) as Schemas)
  if (entries.length === 0 || depth > MAX_DEPTH) return undefined
  const required = (schema.required ?? []) as readonly string[]
  return html`<ul class="fields">${entries.map(([name, member]) => field(name, member, required.includes(name), schemas, depth))}</ul>`
}

/** One member, or one parameter. */
export function field(name: string, of: JsonSchema, required: boolean, schemas: Schemas, depth = 0): Html {
  const { schema } = resolve(of, schemas)
  const inner = members(of, schemas, depth + 1)
  return html`<li>
    <div class="field"><code class="name">${name}</code> <span class="type">${typeText(of, schemas)}</span>${required ? html` <span class="required">required</span>` : ''}</div>
    ${values(schema)}${prose((of.description ?? schema.description) as string | undefined)}
    ${inner === undefined ? '' : html`<details${depth === 0 ? html` open` : ''}><summary>members of <code>${name}</code></summary>${inner}</details>`}
  </li>`
}

/** A schema in a few words, such as `list of string` or `integer, 1 to 100`. */
function typeText(of: JsonSchema, schemas: Schemas): string {
  const { schema, name } = resolve(of, schemas)
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.type === 'array')
    return `list of ${typeText((schema.items ?? {}) as JsonSchema, schemas)}${bounds(schema, 'Items', ' items')}`
  if (variantsOf(schema).length > 0) return 'one of several'
  const type = [schema.type ?? 'any value'].flat().join(' or ')
  const format = typeof schema.format === 'string' && schema.format !== 'int32' ? ` (${schema.format})` : ''
  return `${name ?? type}${format}${bounds(schema, 'Length', ' characters')}${bounds(schema, 'imum', '')}`
}

function bounds(schema: JsonSchema, what: 'Items' | 'Length' | 'imum', unit: string): string {
  const [low, high] = [schema[`min${what}`], schema[`max${what}`]].map(Number) as [number, number]
  // The widest range of an integer says nothing that a reader needs.
  const hasLow = low > 0 || (low === 0 && what === 'imum')
  const hasHigh = high < Number.MAX_SAFE_INTEGER
  if (hasLow && hasHigh) return low === high ? `, ${high}${unit}` : `, ${low} to ${high}${unit}`
  if (hasLow) return `, at least ${low}${unit}`
  return hasHigh ? `, at most ${high}${unit}` : ''
}

function values(schema: JsonSchema): Html {
  if (!Array.isArray(schema.enum)) return html``
  return html`<p class="values">${schema.enum.map((value, index) => html`${index === 0 ? '' : ' '}<code>${String(value)}</code>`)}</p>`
}

function variantsOf(schema: JsonSchema): readonly JsonSchema[] {
  const list = schema.oneOf ?? schema.anyOf
  return Array.isArray(list) ? (list as JsonSchema[]) : []
}

function variantList(variants: readonly JsonSchema[], schemas: Schemas, depth: number): Html | undefined {
  if (depth > MAX_DEPTH) return undefined
  const told = variants.flatMap(variant => members(variant, schemas, depth + 1) ?? [])
  return told.length === 0 ? undefined : html`<ol class="variants">${told.map(one => html`<li>${one}</li>`)}</ol>`
}
