/**
 * An operation's input as an HTTP request: path and query by name, the rest in a JSON body. One object per method, made once, used by the
 * server to read and by the client to write.
 */
import type { HttpPattern } from '../../contract/http-pattern.ts'
import { Fault } from '../../kernel/fault.ts'
import { parseJson, stringifyJson } from '../../schema/json.ts'
import type { Method } from '../rpc.ts'
import type { Coercion } from './parameters.ts'
import { coercions } from './parameters.ts'

/** Name of the media type of unary requests and answers. */
export const JSON_TYPE = 'application/json'

/** The form of a method's requests. */
export interface RequestForm {
  readonly pattern: HttpPattern
  /** The raw input from what a request holds; validation comes later. Throws `invalid_argument` for what can't be read. */
  read(parameters: readonly string[], query: string, body: Uint8Array | undefined, resumeAfter?: string): unknown
  /** Path with query, and body, of an input. */
  write(input: Readonly<Record<string, unknown>>): { readonly target: string; readonly body: string | undefined }
}

/** The form of a method's requests under a route. */
export function requestForm(method: Method, pattern: HttpPattern): RequestForm {
  return new JsonRequestForm(method, pattern)
}

class JsonRequestForm implements RequestForm {
  readonly pattern: HttpPattern
  readonly #coercions: ReadonlyMap<string, Coercion>
  readonly #resume: string | undefined

  constructor(method: Method, pattern: HttpPattern) {
    this.pattern = pattern
    this.#resume = method.operation.sse?.resume
    this.#coercions = coercions(method.operation.input)
  }

  read(parameters: readonly string[], query: string, body: Uint8Array | undefined, resumeAfter?: string): unknown {
    const { pattern } = this
    const input = pattern.hasBody ? readBody(body) : {}
    if (query !== '') this.#readQuery(query, input)
    for (let index = 0; index < parameters.length; index++) {
      const name = pattern.parameters[index] as string
      if (Object.hasOwn(input, name)) throw twice(name)
      input[name] = this.#coerce(name, [parameters[index] as string])
    }
    if (resumeAfter !== undefined && this.#resume !== undefined) {
      input[this.#resume] = this.#coerce(this.#resume, [resumeAfter])
    }
    return input
  }

  write(input: Readonly<Record<string, unknown>>): { target: string; body: string | undefined } {
    const { pattern } = this
    if (pattern.segments.length > 0 && pattern.parameters.length === 0 && pattern.hasBody) {
      return { target: pattern.path, body: stringifyJson(input) }
    }
    let target = ''
    for (const segment of pattern.segments) {
      target += `/${segment.kind === 'literal' ? segment.text : encodeSegment(segment.name, input[segment.name])}`
    }
    if (target === '') target = '/'
    const rest: Record<string, unknown> = {}
    for (const name of Object.keys(input)) if (!pattern.parameters.includes(name)) rest[name] = input[name]
    return pattern.hasBody
      ? { target, body: stringifyJson(rest) }
      : { target: target + writeQuery(rest), body: undefined }
  }

  #readQuery(query: string, input: Record<string, unknown>): void {
    const values = new Map<string, string[]>()
    for (const pair of query.split('&')) {
      if (pair === '') continue
      const equals = pair.indexOf('=')
      const name = decodeQuery(equals < 0 ? pair : pair.slice(0, equals))
      const value = equals < 0 ? '' : decodeQuery(pair.slice(equals + 1))
      const known = values.get(name)
      if (known === undefined) values.set(name, [value])
      else known.push(value)
    }
    for (const [name, texts] of values) {
      if (this.pattern.hasBody || this.pattern.parameters.includes(name) || !this.#coercions.has(name)) {
        throw invalid(name, 'is no parameter of the query; leave it out')
      }
      input[name] = this.#coerce(name, texts)
    }
  }

  #coerce(name: string, texts: readonly string[]): unknown {
    return (this.#coercions.get(name) as Coercion)(texts)
  }
}

function readBody(body: Uint8Array | undefined): Record<string, unknown> {
  if (body === undefined || body.byteLength === 0) return {}
  const value = parseJson(body)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Fault('invalid_argument', 'The body must be a JSON object.', { reason: 'INVALID_INPUT' })
}

function decodeQuery(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    throw new Fault('invalid_argument', 'The query is not percent-encoded UTF-8.', { reason: 'INVALID_INPUT' })
  }
}

function encodeSegment(name: string, value: unknown): string {
  const text = value === undefined || value === null ? '' : String(value)
  // An empty segment would be another path, and dots would be resolved on the way.
  if (text === '' || text === '.' || text === '..') throw invalid(name, 'can\'t be empty, "." or ".." in a path')
  return encodeURIComponent(text)
}

function writeQuery(input: Readonly<Record<string, unknown>>): string {
  let query = ''
  for (const name of Object.keys(input)) {
    const value = input[name]
    if (value === undefined) continue
    for (const item of Array.isArray(value) ? value : [value]) {
      query += `${query === '' ? '?' : '&'}${encodeURIComponent(name)}=${encodeURIComponent(String(item))}`
    }
  }
  return query
}

function twice(name: string): Fault {
  return invalid(name, 'is in the path; leave it out of the body')
}

function invalid(path: string, message: string): Fault {
  return new Fault('invalid_argument', `The input is not as the contract says: '${path}': ${message}.`, {
    reason: 'INVALID_INPUT',
    details: { violations: [{ path, message }] },
  })
}
