import type { ArrayShape, IntegerShape, NumberShape, ObjectShape, Shape, StringShape } from './shape.ts'
import { resolveShape } from './shape.ts'

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-01-02T03:04:05Z',
  date: '2026-01-02',
  time: '03:04:05',
  duration: 'P1D',
  email: 'someone@example.com',
  uri: 'https://example.com/',
  uuid: '018f3c6e-4b7a-7c3d-9a2b-1c2d3e4f5a6b',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
}

/** What a sample is made with. */
export interface SampleOptions {
  /** What arrays hold: a sample, or undefined, which no array may hold. Default: a sample. */
  readonly items?: 'sample' | 'undefined'
}

/**
 * A plausible value of a shape, the same each time. Patterns are not followed. Types within themselves end after three levels.
 */
export function sampleOf(shape: Shape, options: SampleOptions = {}): unknown {
  const holes = options.items === 'undefined'
  return sample(shape, 0)

  function sample(shape: Shape, references: number): unknown {
    if (shape.kind === 'reference' && references >= 3) return shape.nullable ? null : undefined
    const next = shape.kind === 'reference' ? references + 1 : references
    const resolved = resolveShape(shape)
    switch (resolved.kind) {
      case 'object':
        return objectSample(resolved, next)
      case 'record':
        return { key: sample(resolved.values, next) }
      case 'array':
        return arraySample(resolved, next)
      case 'union':
        for (const variant of resolved.variants.values()) return objectSample(variant, next)
        return undefined
      case 'string':
        return stringSample(resolved)
      case 'integer':
      case 'number':
        return numberSample(resolved)
      case 'boolean':
        return resolved.value ?? true
      case 'json':
        return 'value'
    }
  }

  function objectSample(shape: ObjectShape, references: number): Record<string, unknown> {
    const result: Record<string, unknown> = {}
    for (const [name, member] of shape.members) {
      const value = sample(member.shape, references)
      if (value !== undefined) result[name] = value
    }
    return result
  }

  function arraySample(shape: ArrayShape, references: number): unknown[] {
    if (holes && shape.items.kind !== 'json') return [undefined]
    const item = sample(shape.items, references)
    return item === undefined ? [] : [item]
  }
}

function stringSample(shape: StringShape): string {
  const text = shape.values?.[0] ?? FORMATS[shape.format ?? ''] ?? 'text'
  return text.length < shape.minLength ? text.padEnd(Math.min(shape.minLength, 1000), 'x') : text
}

function numberSample(shape: IntegerShape | NumberShape): number {
  return Math.min(Math.max(1, shape.minimum), shape.maximum)
}
