/**
 * Finds the operation of a request. Hot: a trie of path segments, walked without allocation but for the parameters. Literals beat
 * parameters, whatever order they were added in; a route with a parameter is tried when the literal branch has no end.
 */
import type { HttpPattern } from './http-pattern.ts'

/** What a path leads to. */
export type RouteMatch<T> =
  | {
      readonly kind: 'found'
      readonly value: T /** Decoded, in the order of the path. */
      readonly parameters: readonly string[]
    }
  /** No route has this path: 404. */
  | { readonly kind: 'not-found' }
  /** The path has other methods, sorted: 405, with these as `allow`. */
  | { readonly kind: 'method-not-allowed'; readonly methods: readonly string[] }
  /** The percent-encoding is invalid or not UTF-8, or a segment is `.` or `..`: 400. */
  | { readonly kind: 'malformed' }

interface Node<T> {
  readonly literals: Map<string, Node<T>>
  parameter: Node<T> | undefined
  readonly methods: Map<string, T>
}

const NOT_FOUND = { kind: 'not-found' } as const
const MALFORMED = { kind: 'malformed' } as const
const MAX_SEGMENTS = 64

/**
 * Routes by method and path. A trailing slash makes another path; an empty segment never is a parameter; `%2F` stays within its segment.
 */
export class Router<T extends object> {
  readonly #root: Node<T> = node()

  /** Adds a route. Throws a `TypeError` when another one has the same method and the same path but for names of parameters. */
  add(pattern: Pick<HttpPattern, 'method' | 'path' | 'segments'>, value: T): this {
    let at = this.#root
    for (const segment of pattern.segments) {
      if (segment.kind === 'parameter') {
        at.parameter ??= node()
        at = at.parameter
      } else {
        const next = at.literals.get(segment.text) ?? node<T>()
        at.literals.set(segment.text, next)
        at = next
      }
    }
    if (at.methods.has(pattern.method)) {
      throw new TypeError(
        `Two operations have the route ${pattern.method} ${pattern.path}; give one of them another path.`,
      )
    }
    at.methods.set(pattern.method, value)
    return this
  }

  /** Finds what was added for a method and a raw path, which begins with a slash and has no query. */
  find(method: string, path: string): RouteMatch<T> {
    const segments = decodeSegments(path)
    if (segments === undefined) return path.startsWith('/') ? MALFORMED : NOT_FOUND
    const parameters: string[] = []
    const value = search(this.#root, method, segments, 0, parameters)
    if (value !== undefined) return { kind: 'found', value, parameters }
    const methods = new Set<string>()
    collectMethods(this.#root, segments, 0, methods)
    return methods.size === 0 ? NOT_FOUND : { kind: 'method-not-allowed', methods: [...methods].sort() }
  }
}

function search<T>(
  at: Node<T>,
  method: string,
  segments: readonly string[],
  index: number,
  parameters: string[],
): T | undefined {
  if (index === segments.length) return at.methods.get(method)
  const segment = segments[index]!
  const literal = at.literals.get(segment)
  const found = literal === undefined ? undefined : search(literal, method, segments, index + 1, parameters)
  if (found !== undefined || at.parameter === undefined || segment === '') return found
  parameters.push(segment)
  const deeper = search(at.parameter, method, segments, index + 1, parameters)
  if (deeper === undefined) parameters.pop()
  return deeper
}

function collectMethods<T>(at: Node<T>, segments: readonly string[], index: number, methods: Set<string>): void {
  if (index === segments.length) {
    for (const method of at.methods.keys()) methods.add(method)
    return
  }
  const segment = segments[index]!
  const literal = at.literals.get(segment)
  if (literal !== undefined) collectMethods(literal, segments, index + 1, methods)
  if (at.parameter !== undefined && segment !== '') collectMethods(at.parameter, segments, index + 1, methods)
}

function node<T>(): Node<T> {
  return { literals: new Map(), parameter: undefined, methods: new Map() }
}

/** Decodes once, segment by segment, so that `%2F` and `%252F` stay what they are. Undefined when that is not possible. */
function decodeSegments(path: string): string[] | undefined {
  if (!path.startsWith('/')) return undefined
  if (path === '/') return []
  const segments: string[] = []
  for (let from = 1; ; ) {
    const slash = path.indexOf('/', from)
    segments.push(slash < 0 ? path.slice(from) : path.slice(from, slash))
    if (slash < 0) break
    if (segments.length === MAX_SEGMENTS) return undefined
    from = slash + 1
  }
  const encoded = path.includes('%')
  if (encoded) {
    for (let index = 0; index < segments.length; index++) {
      const segment = segments[index]!
      if (!segment.includes('%')) continue
      try {
        segments[index] = decodeURIComponent(segment)
      } catch {
        return undefined // A URIError: the encoding is malformed.
      }
    }
  }
  // Proxies and clients resolve these, so what they mean differs by who reads them.
  if (!encoded && !path.includes('/.')) return segments
  return segments.includes('.') || segments.includes('..') ? undefined : segments
}
