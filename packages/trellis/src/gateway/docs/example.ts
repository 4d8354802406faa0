import type { JsonSchema } from '../../schema/schema.ts'

/** Schemas by the name under which others refer to them. */
export type Schemas = Readonly<Record<string, JsonSchema>>

const PREFIX = '#/components/schemas/'
/** Types within themselves end here. */
const MAX_DEPTH = 6

const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-02',
  'date-time': '2026-01-02T03:04:05Z',
  email: 'ann@example.com',
  uri: 'https://example.com/',
  uuid: '018f3c6e-4b7a-7c3d-9a2b-1c2d3e4f5a6b',
}

/** The schema that another one refers to, and its name; the schema itself when it refers to none. */
export function resolve(schema: JsonSchema, schemas: Schemas): { readonly schema: JsonSchema; readonly name?: string } {
  const ref = schema.$ref
  if (typeof ref !== 'string' || !ref.startsWith(PREFIX)) return { schema }
  const name = ref.slice(PREFIX.length)
  return { schema: schemas[name] ?? {}, name }
}

/** A plausible value of a schema, the same each time. `name` is that of the member that holds it. */
export function exampleOf(of: JsonSchema, schemas: Schemas, name = '', depth = 0): unknown {
  const { schema } = resolve(of, schemas)
  if (schema.const !== undefined) return schema.const
  for (const list of [schema.examples, schema.enum]) if (Array.isArray(list) && list.length > 0) return list[0]
  if (schema.default !== undefined) return schema.default
  const [first] = [schema.oneOf, schema.anyOf, schema.allOf].flatMap(list => (Array.isArray(list) ? list : []))
  if (first !== undefined) return exampleOf(first as JsonSchema, schemas, name, depth + 1)
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'object':
      return objectExample(schema, schemas, depth)
    case 'array':
      return depth >= MAX_DEPTH ? [] : [exampleOf((schema.items ?? {}) as JsonSchema, schemas, name, depth + 1)]
    case 'string':
      return stringExample(schema, name)
    case 'integer':
    case 'number':
      return Math.min(Math.max(1, Number(schema.minimum ?? 1)), Number(schema.maximum ?? 1))
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return {}
  }
}

function objectExample(schema: JsonSchema, schemas: Schemas, depth: number): Record<string, unknown> {
  const members = Object.entries((schema.properties ?? {}) as Schemas)
  const required = (schema.required ?? []) as readonly string[]
  // Far in, what need not be said is left out.
  const said = members.filter(([name]) => depth < MAX_DEPTH && (depth < 2 || required.includes(name)))
  return Object.fromEntries(said.map(([name, member]) => [name, exampleOf(member, schemas, name, depth + 1)]))
}

function stringExample(schema: JsonSchema, name: string): string {
  const text = FORMATS[String(schema.format ?? '')] ?? (schema.pattern === '^[A-Z]{3}$' ? 'EUR' : name || 'text')
  return text.padEnd(Math.min(Number(schema.minLength ?? 0), 64), '-')
}
