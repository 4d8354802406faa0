import type { CustomTypesConfig } from 'pg'
import type { SqlValue } from 'trellis/store'

/** Object ids of the types that are not text here (pg_type.dat). */
const BOOL = 16
const BYTEA = 17
const INT8 = 20
const INT2 = 21
const INT4 = 23
const FLOAT4 = 700
const FLOAT8 = 701
const NUMERIC = 1700

/** Reads PostgreSQL's text format into the values of the Store port. */
export const types: CustomTypesConfig = {
  getTypeParser: (oid: number) => (PARSERS.get(oid) ?? same) as never,
}

const same = (text: string): SqlValue => text

const PARSERS: ReadonlyMap<number, (text: string) => SqlValue> = new Map<number, (text: string) => SqlValue>([
  [BOOL, text => (text === 't' ? 1 : 0)],
  [BYTEA, text => new Uint8Array(Buffer.from(text.slice(2), 'hex'))],
  [INT2, Number],
  [INT4, Number],
  [INT8, integer],
  [FLOAT4, Number],
  [FLOAT8, Number],
  [NUMERIC, numeric],
])

function integer(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

/** `sum` and `avg` of integers are numeric. */
function numeric(text: string): number | bigint {
  return /^-?\d+$/.test(text) ? integer(text) : Number(text)
}
