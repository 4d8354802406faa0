import { checkShape, checkValues, type SqlValue, type StatementShape, shapeOf } from 'trellis/store'

/** A statement as PostgreSQL takes it. */
export interface Statement {
  readonly text: string
  /** Under which connections keep it prepared; undefined for the ones beyond the limit. */
  readonly name: string | undefined
  readonly shape: StatementShape
}

/** How many statements each connection keeps prepared. The server has no limit of its own, and keeps them as long as the connection. */
const MOST_PREPARED = 500
/** How many texts are remembered beyond those. */
const MOST_REMEMBERED = 5_000

/** Rewrites `?` to `$1`, `$2`…, once per text. */
export class Statements {
  readonly #known: Map<string, Statement> = new Map()

  /** The statement for a text and its values; throws `SQL_ERROR` for what no engine may run. */
  prepare(text: string, values: readonly SqlValue[]): Statement {
    const statement = this.#known.get(text) ?? this.#rewrite(text)
    checkValues(text, statement.shape, values)
    return statement
  }

  #rewrite(text: string): Statement {
    const shape = shapeOf(text)
    checkShape(text, shape)
    let rewritten = ''
    let from = 0
    for (const [i, at] of shape.placeholders.entries()) {
      rewritten += `${text.slice(from, at)}$${i + 1}`
      from = at + 1
    }
    rewritten += text.slice(from)
    const prepared = this.#known.size < MOST_PREPARED && shape.kind !== 'schema'
    const statement = { text: rewritten, name: prepared ? `s${this.#known.size}` : undefined, shape }
    if (this.#known.size < MOST_REMEMBERED) this.#known.set(text, statement)
    return statement
  }
}
