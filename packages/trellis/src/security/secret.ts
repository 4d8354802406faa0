/** A value that does not show itself: as text, as JSON and when inspected it is `[secret]`. */
export interface Secret<T = string> {
  /** The value itself. Each call is a place to look at in a review. */
  reveal(): T
  toString(): string
  toJSON(): string
}

const SHOWN = '[secret]'

/**
 * Wraps a secret, so that a log line, an error or a dump of the options does not spread it.
 *
 * @example
 * const key = secret(settings.apiKey)
 * `${key}` // '[secret]'
 */
export function secret<T>(value: T): Secret<T> {
  return Object.freeze({
    reveal: () => value,
    toString: () => SHOWN,
    toJSON: () => SHOWN,
    [Symbol.toPrimitive]: () => SHOWN,
    // What node:util asks for when it prints; by its registered symbol, so that nothing of Node's is imported.
    [Symbol.for('nodejs.util.inspect.custom')]: () => SHOWN,
  })
}
