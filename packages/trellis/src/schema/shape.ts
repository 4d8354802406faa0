/**
 * What JSON and protobuf can both say. A JSON Schema is turned into a shape once, where a schema is declared; checks, coercion and
 * (de)serialisation walk shapes and never look at JSON Schema keywords again. A schema that has no shape is refused.
 */

/** A checked type. */
export type Shape =
  | ObjectShape
  | RecordShape
  | ArrayShape
  | UnionShape
  | StringShape
  | IntegerShape
  | NumberShape
  | BooleanShape
  | JsonShape
  | ReferenceShape

interface Nullable {
  /** Whether null is a value, too. */
  readonly nullable: boolean
}

/** An object with named members. */
export interface ObjectShape extends Nullable {
  readonly kind: 'object'
  readonly members: ReadonlyMap<string, Member>
  /** Refuses unknown members by itself, whichever side reads it. */
  readonly strict: boolean
}

/** A member of an object. */
export interface Member {
  readonly shape: Shape
  readonly required: boolean
  /** What the library fills in when the member is missing. */
  readonly hasDefault: boolean
}

/** An object with free names: a map in protobuf. */
export interface RecordShape extends Nullable {
  readonly kind: 'record'
  readonly values: Shape
}

/** A list. */
export interface ArrayShape extends Nullable {
  readonly kind: 'array'
  readonly items: Shape
}

/** One of several objects, told apart by one of their members. */
export interface UnionShape extends Nullable {
  readonly kind: 'union'
  readonly discriminator: string
  /** By the discriminator's value. */
  readonly variants: ReadonlyMap<string, ObjectShape>
}

/** Text. */
export interface StringShape extends Nullable {
  readonly kind: 'string'
  /** The only values, for an enum or a literal. */
  readonly values: readonly string[] | undefined
  readonly format: string | undefined
  readonly minLength: number
}

/** A whole number. */
export interface IntegerShape extends Nullable {
  readonly kind: 'integer'
  /** Inclusive. */
  readonly minimum: number
  /** Inclusive. */
  readonly maximum: number
}

/** A double. */
export interface NumberShape extends Nullable {
  readonly kind: 'number'
  readonly minimum: number
  readonly maximum: number
}

/** True or false. */
export interface BooleanShape extends Nullable {
  readonly kind: 'boolean'
  /** The only value, for a literal. */
  readonly value: boolean | undefined
}

/** Any JSON value: `google.protobuf.Value`. */
export interface JsonShape extends Nullable {
  readonly kind: 'json'
}

/** A type within itself. */
export interface ReferenceShape extends Nullable {
  readonly kind: 'reference'
  /** Only once the whole schema has been read. */
  readonly target: () => Shape
}

/** What a reference stands for; any other shape is itself. */
export function resolveShape(shape: Shape): Exclude<Shape, ReferenceShape> {
  let resolved = shape
  while (resolved.kind === 'reference') resolved = resolved.target()
  return resolved
}

/** Whether an integer needs more than 32 bits, which protobuf's JSON writes as a string. */
export function isInt64(shape: IntegerShape): boolean {
  return shape.minimum < -0x8000_0000 || shape.maximum > (shape.minimum < 0 ? 0x7fff_ffff : 0xffff_ffff)
}

/**
 * Path of the first place where two shapes say different types, or undefined when they say the same. Constraints and defaults are no
 * difference: only the type is.
 */
export function shapeDifference(left: Shape, right: Shape): string | undefined {
  const seen = new Map<Shape, Set<Shape>>()
  return compare(left, right, '')

  function compare(a: Shape, b: Shape, path: string): string | undefined {
    const left = resolveShape(a)
    const right = resolveShape(b)
    if (left.kind !== right.kind || a.nullable !== b.nullable) return path
    const others = seen.get(left)
    if (others?.has(right)) return undefined
    if (others === undefined) seen.set(left, new Set([right]))
    else others.add(right)
    switch (left.kind) {
      case 'object':
        return members(left.members, (right as ObjectShape).members, path)
      case 'record':
        return compare(left.values, (right as RecordShape).values, `${path}[*]`)
      case 'array':
        return compare(left.items, (right as ArrayShape).items, `${path}[]`)
      case 'union': {
        const variants = (right as UnionShape).variants
        for (const [value, variant] of left.variants) {
          const other = variants.get(value)
          const difference = other === undefined ? path : compare(variant, other, path)
          if (difference !== undefined) return difference
        }
        return variants.size === left.variants.size ? undefined : path
      }
      default:
        return undefined
    }
  }

  function members(
    left: ReadonlyMap<string, Member>,
    right: ReadonlyMap<string, Member>,
    path: string,
  ): string | undefined {
    for (const [name, member] of left) {
      const inner = path === '' ? name : `${path}.${name}`
      const other = right.get(name)
      const difference = other === undefined ? inner : compare(member.shape, other.shape, inner)
      if (difference !== undefined) return difference
    }
    for (const name of right.keys()) if (!left.has(name)) return path === '' ? name : `${path}.${name}`
    return undefined
  }
}
