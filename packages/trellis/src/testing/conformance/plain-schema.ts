/**
 * The few schemas that the kits need, written by hand: a kit depends on no schema library, and shows that any Standard Schema with Standard JSON
 * Schema will do.
 */
import type { JsonSchema, Schema } from '../../schema/index.ts'

interface Issue {
  readonly message: string
  readonly path: readonly (string | number)[]
}

type Path = Issue['path']

/** A schema of the kits. */
export interface PlainSchema<T> extends Schema<T> {
  readonly json: JsonSchema
  /** The value as declared; appends what is wrong with it. */
  read(value: unknown, path: Path, issues: Issue[]): unknown
  readonly optional: boolean
}

/** Text. */
export const text: PlainSchema<string> = plain({ type: 'string' }, (value, path, issues) => {
  if (typeof value !== 'string') issues.push({ message: 'must be a string', path })
  return value
})

/** A whole number of 32 bits. */
export const int32: PlainSchema<number> = plain(
  { type: 'integer', minimum: -0x8000_0000, maximum: 0x7fff_ffff },
  (value, path, issues) => {
    if (typeof value !== 'number' || (value | 0) !== value) issues.push({ message: 'must be a whole number', path })
    return value
  },
)

/** A list. */
export function list<T>(items: PlainSchema<T>): PlainSchema<T[]> {
  return plain({ type: 'array', items: items.json }, (value, path, issues) => {
    if (Array.isArray(value)) return value.map((item, index) => items.read(item, [...path, index], issues))
    issues.push({ message: 'must be a list', path })
    return value
  })
}

/** A member that may be missing. */
export function optional<T>(schema: PlainSchema<T>): PlainSchema<T | undefined> {
  return { ...schema, optional: true } as PlainSchema<T | undefined>
}

/** The type of an object of such members. */
export type Members<M extends Readonly<Record<string, PlainSchema<unknown>>>> = {
  [Name in keyof M as undefined extends Type<M[Name]> ? never : Name]: Type<M[Name]>
} & {
  [Name in keyof M as undefined extends Type<M[Name]> ? Name : never]?: Type<M[Name]>
}

type Type<S> = S extends Schema<infer T> ? T : never

/** An object; members that it does not name are left out. */
export function object<M extends Readonly<Record<string, PlainSchema<unknown>>>>(members: M): PlainSchema<Members<M>> {
  const entries = Object.entries(members)
  const properties = Object.fromEntries(entries.map(([name, schema]) => [name, schema.json]))
  const required = entries.filter(([, schema]) => !schema.optional).map(([name]) => name)
  return plain({ type: 'object', properties, required }, (value, path, issues) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      issues.push({ message: 'must be an object', path })
      return value
    }
    const result: Record<string, unknown> = {}
    for (const [name, schema] of entries) {
      const member = (value as Record<string, unknown>)[name]
      if (member !== undefined || !schema.optional) result[name] = schema.read(member, [...path, name], issues)
    }
    return result
  })
}

function plain<T>(json: JsonSchema, read: PlainSchema<T>['read']): PlainSchema<T> {
  return {
    json,
    read,
    optional: false,
    '~standard': {
      version: 1,
      vendor: 'trellis-kit',
      validate(value) {
        const issues: Issue[] = []
        const result = read(value, [], issues)
        return issues.length === 0 ? { value: result as T } : { issues }
      },
      jsonSchema: { input: () => ({ ...json }), output: () => ({ ...json }) },
    },
  }
}
