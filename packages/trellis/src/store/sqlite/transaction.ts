import { Fault } from '../../kernel/index.ts'
import type { Dialect } from '../dialect.ts'
import type { Row, SqlValue, Transaction } from '../store.ts'
import type { Connection } from './connection.ts'
import { sqliteDialect } from './dialect.ts'

/** One run of one body. The writer begins and ends it. */
export class SqliteTransaction implements Transaction {
  readonly dialect: Dialect = sqliteDialect
  readonly now: number
  readonly #connection: Connection
  #over: string | undefined
  #doomed: Fault | undefined
  #listeners: (() => void)[] | undefined

  constructor(connection: Connection, now: number) {
    this.#connection = connection
    this.now = now
  }

  /** The failure of a statement, after which nothing can be committed: engines differ in what they would keep. */
  get doomed(): Fault | undefined {
    return this.#doomed
  }

  /** What to call after the commit. */
  get listeners(): readonly (() => void)[] | undefined {
    return this.#listeners
  }

  /** Refuses every later statement, saying why. */
  end(why: string): void {
    this.#over = why
  }

  all<R = Row>(text: string, ...values: readonly SqlValue[]): Promise<R[]> {
    const refusal = this.#refusal()
    if (refusal !== undefined) return Promise.reject(refusal)
    try {
      return Promise.resolve(this.#connection.all(text, values) as R[])
    } catch (error) {
      return Promise.reject(this.#doom(error))
    }
  }

  get<R = Row>(text: string, ...values: readonly SqlValue[]): Promise<R | undefined> {
    const refusal = this.#refusal()
    if (refusal !== undefined) return Promise.reject(refusal)
    try {
      return Promise.resolve(this.#connection.get(text, values) as R | undefined)
    } catch (error) {
      return Promise.reject(this.#doom(error))
    }
  }

  run(text: string, ...values: readonly SqlValue[]): Promise<number> {
    const refusal = this.#refusal()
    if (refusal !== undefined) return Promise.reject(refusal)
    try {
      return Promise.resolve(this.#connection.run(text, values))
    } catch (error) {
      return Promise.reject(this.#doom(error))
    }
  }

  onCommit(listener: () => void): void {
    const refusal = this.#refusal()
    if (refusal !== undefined) throw refusal
    this.#listeners ??= []
    this.#listeners.push(listener)
  }

  #refusal(): Fault | undefined {
    if (this.#over === undefined) return this.#doomed
    return new Fault(
      'failed_precondition',
      `The transaction is over: ${this.#over}. Await every statement inside the body, and keep no transaction beyond it.`,
      { reason: 'TRANSACTION_OVER' },
    )
  }

  #doom(error: unknown): Fault {
    this.#doomed = Fault.from(error)
    return this.#doomed
  }
}
