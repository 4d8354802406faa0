import type { Pool } from 'pg'
import type { Runtime } from 'trellis/kernel'
import { type Row, type Sql, type SqlValue, sqlError } from 'trellis/store'
import { isConflict, isDisconnect, postgresFault } from './faults.ts'
import type { Slots } from './slots.ts'
import type { Statements } from './statement.ts'
import { abortFault } from './watch.ts'

/** Reads on connections of their own, which the server keeps from writing. `refuse` throws once the store is closed. */
export function createReader(
  runtime: Runtime,
  pool: Pool,
  slots: Slots,
  statements: Statements,
  options: { readonly attempts: number; readonly refuse: () => void },
): Sql {
  const query = async (text: string, values: readonly SqlValue[]): Promise<Row[]> => {
    options.refuse()
    const statement = statements.prepare(text, values)
    await slots.enter(undefined, abortFault)
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          const { rows } = await runtime.native(
            pool.query({
              text: statement.text,
              values: values as SqlValue[],
              ...(statement.name === undefined ? {} : { name: statement.name }),
            }),
          )
          return rows as Row[]
        } catch (error) {
          if ((error as { code?: unknown }).code === '25006')
            throw sqlError('The reader cannot write; use a transaction.', error)
          // Reading again is harmless: pooled connections may have died unnoticed, and prepared statements be out of date.
          const again = isConflict(error) || (isDisconnect(error) && !isRefused(error))
          if (!again || attempt >= options.attempts) throw postgresFault(error, text)
        }
      }
    } finally {
      slots.leave()
    }
  }
  return {
    all: async <R = Row>(text: string, ...values: readonly SqlValue[]): Promise<R[]> =>
      (await query(text, values)) as R[],
    get: async <R = Row>(text: string, ...values: readonly SqlValue[]): Promise<R | undefined> =>
      (await query(text, values))[0] as R | undefined,
    run: async (text: string, ...values: readonly SqlValue[]): Promise<number> => {
      await query(text, values)
      return 0
    },
  }
}

/** Whether a connection could not be made at all, so that trying again at once is in vain. */
function isRefused(error: unknown): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string }
  return code === 'ECONNREFUSED' || code === '57P03' || message?.includes('timeout') === true
}
