/**
 * JSON Schemas of operations as those of an OpenAPI document: what has an id or a title becomes a component, once; requests are closed and
 * responses open, as the platform reads them.
 */
import { jsonSchemaOf } from '../schema/json-schema.ts'
import type { JsonSchema, Schema } from '../schema/schema.ts'
import { integerPattern } from './integer-pattern.ts'

/** Whether a schema is read strictly by the server, or tolerantly by callers. */
export type SchemaUse = 'request' | 'response'

type Json = Record<string, unknown>

interface Conversion {
  readonly use: SchemaUse
  readonly root: JsonSchema
  /** Names what has no name of its own but must have one, because it refers to itself. */
  readonly hint: string
}

const DROPPED: ReadonlySet<string> = new Set(['$schema', '$defs', '$id', 'id', 'readOnly', 'writeOnly'])
const MAPS: ReadonlySet<string> = new Set(['properties', 'patternProperties', 'dependentSchemas'])
/** Keywords whose values are data, not schemas. */
const DATA: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples', 'example', 'required'])

/** Collects the components of a document. */
export class OpenApiSchemas {
  readonly #components = new Map<string, Json>()
  readonly #texts = new Map<string, string>()

  /** The components so far, by name, sorted. */
  get components(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#components].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** A schema as the document has it: a reference to a component, or inline. */
  add(schema: Schema, use: SchemaUse, hint: string): JsonSchema {
    const root = jsonSchemaOf(schema, use === 'request' ? 'input' : 'output')
    return this.#convert(root, { use, root, hint })
  }

  /** An object's schema with its members, references at the root followed: for what travels in pieces. */
  members(schema: Schema, use: SchemaUse, hint: string): { readonly object: JsonSchema; of(name: string): JsonSchema } {
    const root = jsonSchemaOf(schema, use === 'request' ? 'input' : 'output')
    const conversion = { use, root, hint }
    const object = flatten(root, root)
    return {
      object,
      of: name => this.#convert(member(object, root, name)!, conversion),
    }
  }

  /** What a part of a request's schema refers to; intersections as one object. */
  resolve(part: JsonSchema, schema: Schema): JsonSchema {
    return flatten(part, jsonSchemaOf(schema, 'input'))
  }

  /** Converts an inline schema that belongs to `schema`. */
  convert(part: JsonSchema, schema: Schema, use: SchemaUse, hint: string): JsonSchema {
    return this.#convert(part, { use, root: jsonSchemaOf(schema, use === 'request' ? 'input' : 'output'), hint })
  }

  #convert(schema: JsonSchema, conversion: Conversion): Json {
    if (typeof schema.$ref === 'string') return this.#reference(schema.$ref, schema, conversion)
    if (typeof schema.title !== 'string' || schema.type !== 'object') return this.#inline(schema, conversion)
    const name = componentName(schema.title, conversion.use)
    const component = this.#inline(schema, conversion)
    const text = JSON.stringify(component)
    const known = this.#texts.get(name)
    if (known === undefined) this.#put(name, component, text)
    return known === undefined || known === text ? reference(name) : component
  }

  #reference(pointer: string, schema: JsonSchema, conversion: Conversion): Json {
    const target = lookUp(conversion.root, pointer)
    const own = pointer === '#' ? '' : pointer.slice(pointer.lastIndexOf('/') + 1)
    const anonymous = own === '' || own.startsWith('__')
    const base = anonymous ? `${conversion.hint}${own.replace(/\D/g, '')}` : own
    const source = JSON.stringify(anonymous ? [target, conversion.root.$defs] : target)
    let name = componentName(base, conversion.use)
    // Another schema of the same name: this one gets a number, because what refers to itself can't be inline.
    for (let number = 2; this.#texts.has(name) && this.#texts.get(name) !== source; number++) {
      name = componentName(`${base}${number}`, conversion.use)
    }
    if (!this.#texts.has(name)) {
      this.#texts.set(name, source) // Before its members, which may refer back to it.
      this.#put(name, this.#inline(target, conversion), source)
    }
    const description = schema.description
    return typeof description === 'string' ? { ...reference(name), description } : reference(name)
  }

  #put(name: string, component: Json, text: string): void {
    this.#components.set(name, component)
    this.#texts.set(name, text)
  }

  #inline(schema: JsonSchema, conversion: Conversion): Json {
    const source = Array.isArray(schema.allOf) ? flatten(schema, conversion.root) : schema
    const result: Json = {}
    for (const [keyword, value] of Object.entries(source)) {
      if (!DROPPED.has(keyword)) result[keyword] = this.#keyword(keyword, value, conversion)
    }
    if (conversion.use === 'response') {
      if (result.additionalProperties === false) delete result.additionalProperties
      return result
    }
    if (result.type === 'object') result.additionalProperties ??= false
    return result.type === 'integer' ? orString(result) : result
  }

  #keyword(keyword: string, value: unknown, conversion: Conversion): unknown {
    if (DATA.has(keyword)) return value
    if (Array.isArray(value)) return value.map(one => (isObject(one) ? this.#convert(one, conversion) : one))
    if (!isObject(value)) return value
    if (!MAPS.has(keyword)) return this.#convert(value, conversion)
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, isObject(one) ? this.#convert(one, conversion) : one]),
    )
  }
}

/** Requests may say integers beyond 32 bits as strings, as protobuf's JSON does. */
function orString(schema: Json): Json {
  const minimum = bound(schema.minimum, schema.exclusiveMinimum, 1) ?? Number.MIN_SAFE_INTEGER
  const maximum = bound(schema.maximum, schema.exclusiveMaximum, -1) ?? Number.MAX_SAFE_INTEGER
  const fits32 = minimum >= -0x8000_0000 && maximum <= (minimum < 0 ? 0x7fff_ffff : 0xffff_ffff)
  if (fits32) return { ...schema, format: schema.format ?? (maximum <= 0x7fff_ffff ? 'int32' : 'int64') }
  if ('multipleOf' in schema) return { ...schema, format: 'int64' }
  return { ...schema, type: ['integer', 'string'], format: 'int64', pattern: integerPattern(minimum, maximum) }
}

function bound(inclusive: unknown, exclusive: unknown, step: number): number | undefined {
  if (typeof exclusive === 'number') return exclusive + step
  return typeof inclusive === 'number' ? inclusive : undefined
}

/** Follows references at the root and melts an intersection into one object, since a closed part would refuse what the others have. */
function flatten(schema: JsonSchema, root: JsonSchema): JsonSchema {
  if (typeof schema.$ref === 'string') return flatten(lookUp(root, schema.$ref), root)
  if (!Array.isArray(schema.allOf)) return schema
  const { allOf, ...own } = schema
  const properties: Json = {}
  const required: unknown[] = []
  for (const part of allOf as readonly JsonSchema[]) {
    const object = flatten(part, root)
    Object.assign(properties, object.properties)
    if (Array.isArray(object.required)) required.push(...object.required)
  }
  return { ...own, type: 'object', properties, required }
}

/** A member of an object, or the first variant's of a union. */
function member(schema: JsonSchema, root: JsonSchema, name: string): JsonSchema | undefined {
  const object = flatten(schema, root)
  const variants = object.oneOf ?? object.anyOf
  if (Array.isArray(variants)) {
    for (const variant of variants as readonly JsonSchema[]) {
      const found = member(variant, root, name)
      if (found !== undefined) return found
    }
    return undefined
  }
  return (object.properties as Record<string, JsonSchema> | undefined)?.[name]
}

function lookUp(root: JsonSchema, pointer: string): JsonSchema {
  let current: unknown = root
  for (const part of pointer.split('/').slice(1)) {
    current = (current as Json)[decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return current as JsonSchema
}

function componentName(name: string, use: SchemaUse): string {
  const plain = name.replaceAll(/[^A-Za-z0-9]+(.?)/g, (_, next: string) => next.toUpperCase())
  const pascal = plain.charAt(0).toUpperCase() + plain.slice(1)
  return use === 'request' ? `${pascal}Input` : pascal
}

function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
