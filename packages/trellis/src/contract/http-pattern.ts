/** Methods that an operation may be offered under. HEAD follows from GET. */
export const HTTP_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** One of the methods that an operation may be offered under. */
export type HttpMethod = (typeof HTTP_METHODS)[number]

/** A part of a path between two slashes. */
export type PathSegment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }

/** A REST route, taken apart. */
export interface HttpPattern {
  readonly method: HttpMethod
  /** As written, such as `/orders/{orderId}`. */
  readonly path: string
  /** Empty for `/`. */
  readonly segments: readonly PathSegment[]
  /** Names of the parameters, in the order of the path. */
  readonly parameters: readonly string[]
  /** Whether what is not in the path travels in a body; otherwise it travels in the query. */
  readonly hasBody: boolean
}

// Literal segments are RFC 3986 `pchar` without percent-encoding, so that a route has one spelling.
const LITERAL = /^[A-Za-z0-9\-._~!$&'()*+,;=:@]+$/
const PARAMETER = /^\{([A-Za-z][A-Za-z0-9_]*)\}$/

/**
 * Takes a pattern such as `POST /orders/{orderId}/items` apart. Throws a `TypeError` that names what is wrong: an unknown method, an empty
 * segment or trailing slash, a segment that is partly a parameter, a parameter twice.
 */
export function parseHttpPattern(pattern: string): HttpPattern {
  const space = pattern.indexOf(' ')
  const method = pattern.slice(0, space) as HttpMethod
  const path = pattern.slice(space + 1)
  if (space < 0 || !HTTP_METHODS.includes(method) || !path.startsWith('/')) {
    throw new TypeError(
      `'${pattern}' is not an HTTP pattern. Write 'METHOD /path/{parameter}' with ${HTTP_METHODS.join(', ')}.`,
    )
  }
  const parameters: string[] = []
  const segments = path === '/' ? [] : path.slice(1).split('/').map(segment)
  return Object.freeze({ method, path, segments, parameters, hasBody: method !== 'GET' && method !== 'DELETE' })

  function segment(text: string): PathSegment {
    const name = PARAMETER.exec(text)?.[1]
    if (name !== undefined) {
      if (parameters.includes(name)) throw new TypeError(`'${pattern}' has the parameter '${name}' twice.`)
      parameters.push(name)
      return { kind: 'parameter', name }
    }
    if (text === '') throw new TypeError(`'${pattern}' has an empty segment; leave out doubled and trailing slashes.`)
    if (text === '.' || text === '..' || !LITERAL.test(text)) {
      throw new TypeError(
        `'${pattern}': the segment '${text}' is neither a literal (RFC 3986 pchar, not percent-encoded) nor a whole '{parameter}'.`,
      )
    }
    return { kind: 'literal', text }
  }
}
