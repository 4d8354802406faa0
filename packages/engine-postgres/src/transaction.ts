import type { PoolClient } from 'pg'
import { Fault } from 'trellis/kernel'
import type { Dialect, Row, SqlValue, Transaction } from 'trellis/store'
import { postgresDialect } from './dialect.ts'
import { postgresFault } from './faults.ts'
import type { Statements } from './statement.ts'

/** One run of one body on one connection. The store begins and ends it. */
export class PostgresTransaction implements Transaction {
  readonly dialect: Dialect = postgresDialect
  readonly now: number
  readonly #client: PoolClient
  readonly #statements: Statements
  #over: string | undefined
  #doomed: Fault | undefined
  #doom: unknown
  #last: Promise<unknown> = Promise.resolve()
  readonly #listeners: (() => void)[] = []

  constructor(client: PoolClient, statements: Statements, now: number) {
    this.#client = client
    this.#statements = statements
    this.now = now
  }

  /** The first failure of a statement, as a fault; the server has given the transaction up since. */
  get doomed(): Fault | undefined {
    return this.#doomed
  }

  /** What node-postgres threw at that time, which tells a conflict. */
  get doom(): unknown {
    return this.#doom
  }

  /** What to call after the commit. */
  get listeners(): readonly (() => void)[] {
    return this.#listeners
  }

  /** Refuses every later statement, saying why. */
  end(why: string): void {
    this.#over ??= why
  }

  /** Resolves when every statement has its answer, also those that the body did not await. */
  async settled(): Promise<void> {
    await this.#last.catch(() => undefined) // the failure is in `doomed`
  }

  async all<R = Row>(text: string, ...values: readonly SqlValue[]): Promise<R[]> {
    return (await this.#query(text, values)).rows as R[]
  }

  async get<R = Row>(text: string, ...values: readonly SqlValue[]): Promise<R | undefined> {
    return (await this.#query(text, values)).rows[0] as R | undefined
  }

  async run(text: string, ...values: readonly SqlValue[]): Promise<number> {
    const { shape, result } = await this.#query(text, values)
    return shape.kind === 'write' ? (result ?? 0) : 0
  }

  onCommit(listener: () => void): void {
    const refusal = this.#refusal()
    if (refusal !== undefined) throw refusal
    this.#listeners.push(listener)
  }

  async #query(text: string, values: readonly SqlValue[]): Promise<Answer> {
    const refusal = this.#refusal()
    if (refusal !== undefined) throw refusal
    try {
      const statement = this.#statements.prepare(text, values)
      const query = this.#client.query({
        text: statement.text,
        values: values as SqlValue[],
        ...(statement.name === undefined ? {} : { name: statement.name }),
      })
      this.#last = query
      const { rows, rowCount } = await query
      return { rows, result: rowCount, shape: statement.shape }
    } catch (error) {
      if (this.#doomed === undefined) {
        this.#doomed = postgresFault(error, text)
        this.#doom = error
      }
      throw this.#doomed
    }
  }

  #refusal(): Fault | undefined {
    if (this.#over === undefined) return this.#doomed
    return new Fault(
      'failed_precondition',
      `The transaction is over: ${this.#over}. Await every statement inside the body, and keep no transaction beyond it.`,
      { reason: 'TRANSACTION_OVER' },
    )
  }
}

interface Answer {
  readonly rows: unknown[]
  readonly result: number | null
  readonly shape: { readonly kind: string }
}
