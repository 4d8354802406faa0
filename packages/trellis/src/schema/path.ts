import type { StandardSchemaV1 } from '@standard-schema/spec'

const PLAIN = /^[A-Za-z_$][A-Za-z0-9_$-]*$/
const MAX_NAME = 64

/** Adds a member's name to a path, as people write it: `items[0].quantity`, `labels["a b"]`. Long names are cut. */
export function appendMember(path: string, name: string): string {
  const short = name.length > MAX_NAME ? `${name.slice(0, MAX_NAME).toWellFormed()}…` : name
  if (!PLAIN.test(short)) return `${path}[${JSON.stringify(short)}]`
  return path === '' ? short : `${path}.${short}`
}

/** Adds an index to a path. */
export function appendIndex(path: string, index: number): string {
  return `${path}[${index}]`
}

/** The path of a Standard Schema issue, as people write it. Empty for the value itself. */
export function formatPath(path: StandardSchemaV1.Issue['path']): string {
  let text = ''
  for (const segment of path ?? []) {
    const key = typeof segment === 'object' ? segment.key : segment
    text = typeof key === 'number' ? appendIndex(text, key) : appendMember(text, String(key))
  }
  return text
}
