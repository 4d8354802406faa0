import { enumerationShape, integerShape, numberShape, refuse, stringShape } from './scalar-shape.ts'
import type { JsonSchema } from './schema.ts'
import type { ArrayShape, Member, ObjectShape, RecordShape, Shape, UnionShape } from './shape.ts'
import { resolveShape } from './shape.ts'

const MAX_NESTING = 64
const WITHOUT_MEANING = ['not', 'if', 'patternProperties', 'dependentSchemas', 'contains', 'unevaluatedProperties']

/**
 * Reads a JSON Schema (draft 2020-12). Throws a `TypeError` that begins with the path for what JSON and protobuf can't both say.
 */
export function toShape(root: JsonSchema): Shape {
  const references = new Map<string, Shape | undefined>()
  return read(root, '', 0)

  function read(schema: unknown, path: string, depth: number): Shape {
    if (depth > MAX_NESTING) refuse(path, `is nested deeper than ${MAX_NESTING} levels`)
    if (!isSchema(schema)) return schema === true ? { kind: 'json', nullable: true } : refuse(path, 'accepts nothing')
    if (typeof schema.$ref === 'string') return reference(schema.$ref, path, depth)
    for (const keyword of WITHOUT_MEANING) {
      if (keyword in schema) refuse(path, `uses '${keyword}', which protobuf can't say`)
    }
    const union = schema.oneOf ?? schema.anyOf
    if (Array.isArray(union) && 'properties' in schema) {
      refuse(path, 'is an object and one of several types at once; put the common members into each variant')
    }
    if (Array.isArray(union)) return alternatives(union, path, depth)
    if (Array.isArray(schema.allOf)) return intersection(schema.allOf, path, depth)
    const values = 'const' in schema ? [schema.const] : schema.enum
    if (Array.isArray(values)) return enumerationShape(values, schema, path)
    return Array.isArray(schema.type)
      ? typeList(schema, schema.type, path, depth)
      : typed(schema, schema.type, path, depth)
  }

  function reference(pointer: string, path: string, depth: number): Shape {
    if (references.has(pointer)) {
      const known = references.get(pointer)
      return known ?? { kind: 'reference', nullable: false, target: () => references.get(pointer)! }
    }
    references.set(pointer, undefined)
    const shape = read(lookUp(root, pointer) ?? refuse(path, `refers to '${pointer}', which is not there`), path, depth)
    references.set(pointer, shape)
    return shape
  }

  function typeList(schema: JsonSchema, types: readonly unknown[], path: string, depth: number): Shape {
    const others = types.filter(type => type !== 'null')
    if (others.length !== 1) refuse(path, `may be ${types.join(' or ')}; a member has one type`)
    const shape = typed(schema, others[0], path, depth)
    return others.length < types.length ? nullable(shape, path) : shape
  }

  function typed(schema: JsonSchema, type: unknown, path: string, depth: number): Shape {
    switch (type) {
      case 'object':
        return object(schema, path, depth)
      case 'array':
        return array(schema, path, depth)
      case 'string':
        return stringShape(schema, path)
      case 'integer':
        return integerShape(schema)
      case 'number':
        return numberShape(schema)
      case 'boolean':
        return { kind: 'boolean', nullable: false, value: undefined }
      case 'null':
        return refuse(path, 'is always null, which says nothing; leave it out')
      case undefined:
        return { kind: 'json', nullable: true }
      default:
        return refuse(path, `has the type '${String(type)}', which JSON does not have`)
    }
  }

  function object(schema: JsonSchema, path: string, depth: number): ObjectShape | RecordShape {
    const properties = isSchema(schema.properties) ? Object.entries(schema.properties) : []
    const rest = schema.additionalProperties
    if (rest !== undefined && rest !== false) {
      if (properties.length > 0) {
        refuse(path, 'has both named and free members; put the free ones into a record of their own')
      }
      return record(rest, path, depth)
    }
    const required = new Set(Array.isArray(schema.required) ? schema.required : [])
    const members = new Map<string, Member>()
    for (const [name, property] of properties) {
      const inner = join(path, name)
      if (name === '__proto__') refuse(inner, 'has a name that JavaScript gives a meaning of its own')
      const shape = read(property, inner, depth + 1)
      if (!required.has(name) && shape.nullable && shape.kind !== 'json') {
        refuse(inner, "may be both missing and null, which protobuf can't tell apart; use one of the two")
      }
      const hasDefault = isSchema(property) && 'default' in property && !required.has(name)
      members.set(name, { shape, required: required.has(name), hasDefault })
    }
    return { kind: 'object', nullable: false, members, strict: rest === false }
  }

  function record(schema: unknown, path: string, depth: number): RecordShape {
    const inner = `${path}[*]`
    const values = read(schema, inner, depth + 1)
    const { kind } = resolveIfRead(values)
    if (kind === 'array' || kind === 'record')
      refuse(inner, `is ${withArticle(kind)} in a record; put it into an object`)
    if (values.nullable && kind !== 'json') refuse(inner, 'may be null in a record; leave the entry out')
    return { kind: 'record', nullable: false, values }
  }

  function array(schema: JsonSchema, path: string, depth: number): ArrayShape {
    if ('prefixItems' in schema) refuse(path, 'is a tuple; use an object with names')
    const inner = `${path}[]`
    const items = read(schema.items ?? true, inner, depth + 1)
    const { kind } = resolveIfRead(items)
    if (kind === 'array' || kind === 'record')
      refuse(inner, `is ${withArticle(kind)} in an array; put it into an object`)
    if (items.nullable && kind !== 'json') refuse(inner, 'may be null in an array; leave the item out')
    return { kind: 'array', nullable: false, items }
  }

  function alternatives(union: readonly unknown[], path: string, depth: number): Shape {
    if (isAnyJson(union)) return { kind: 'json', nullable: true }
    const others = union.filter(one => !isNull(one))
    const only = others.length === 1 ? read(others[0], path, depth + 1) : discriminated(others, path, depth)
    return others.length < union.length ? nullable(only, path) : only
  }

  function discriminated(union: readonly unknown[], path: string, depth: number): UnionShape {
    const objects: { readonly json: JsonSchema; readonly shape: ObjectShape }[] = []
    collect(union)
    const candidates = objects[0] === undefined ? [] : [...objects[0].shape.members.keys()]
    for (const discriminator of candidates) {
      const variants = new Map<string, ObjectShape>()
      const fits = objects.every(({ shape }) => {
        const member = shape.members.get(discriminator)
        if (member?.required !== true || member.shape.kind !== 'string' || member.shape.values === undefined)
          return false
        return member.shape.values.every(value => !variants.has(value) && variants.set(value, shape))
      })
      if (fits) return { kind: 'union', nullable: false, discriminator, variants }
    }
    return refuse(
      path,
      'may be one of several types that no literal string member tells apart; use a discriminated union',
    )

    function collect(alternatives: readonly unknown[]): void {
      for (const one of alternatives) {
        const json = follow(one)
        const inner = json.oneOf ?? json.anyOf
        if (Array.isArray(inner)) collect(inner)
        else {
          const shape = resolveIfRead(read(one, path, depth + 1))
          if (shape.kind !== 'object' || shape.nullable) {
            refuse(path, 'may be one of several types; use a discriminated union of objects')
          }
          objects.push({ json, shape })
        }
      }
    }
  }

  function intersection(parts: readonly unknown[], path: string, depth: number): ObjectShape {
    const members = new Map<string, Member>()
    let strict = false
    for (const part of parts) {
      const shape = resolveIfRead(read(part, path, depth + 1))
      if (shape.kind !== 'object')
        return refuse(path, 'is an intersection of more than plain objects; write one object')
      for (const [name, member] of shape.members) {
        if (members.has(name)) refuse(join(path, name), 'is said twice in an intersection; write one object')
        members.set(name, member)
      }
      strict ||= shape.strict
    }
    return { kind: 'object', nullable: false, members, strict }
  }

  function follow(schema: unknown): JsonSchema {
    let current = isSchema(schema) ? schema : {}
    for (let steps = 0; typeof current.$ref === 'string' && steps < MAX_NESTING; steps++) {
      const next = lookUp(root, current.$ref)
      if (!isSchema(next)) break
      current = next
    }
    return current
  }
}

function nullable(shape: Shape, path: string): Shape {
  if (shape.kind === 'array' || shape.kind === 'record') {
    refuse(
      path,
      `is ${withArticle(shape.kind)} that may be null, which protobuf can't tell from an empty one; let it be empty`,
    )
  }
  return { ...shape, nullable: true }
}

/** Within a recursive type a reference may point at what is still being read: then it is an object, since only that can hold itself. */
function resolveIfRead(shape: Shape): Shape {
  if (shape.kind !== 'reference') return shape
  return shape.target() === undefined ? shape : resolveShape(shape)
}

/** Whether alternatives cover all of JSON, as those of zod's `z.json()`. */
function isAnyJson(union: readonly unknown[]): boolean {
  const types = new Set<unknown>()
  for (const one of union) {
    if (!isSchema(one)) return false
    const inner = one.type === 'array' ? one.items : one.type === 'object' ? one.additionalProperties : undefined
    if (one.properties !== undefined || (isSchema(inner) && !('$ref' in inner))) return false
    types.add(one.type)
  }
  return ['string', 'number', 'boolean', 'null', 'array', 'object'].every(type => types.has(type))
}

function isNull(schema: unknown): boolean {
  return isSchema(schema) && schema.type === 'null'
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function lookUp(root: JsonSchema, pointer: string): unknown {
  if (pointer === '#') return root
  if (!pointer.startsWith('#/')) return undefined
  let current: unknown = root
  for (const part of pointer.slice(2).split('/')) {
    if (!isSchema(current)) return undefined
    current = current[decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return current
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function withArticle(kind: 'array' | 'record'): string {
  return kind === 'array' ? 'an array' : 'a record'
}
