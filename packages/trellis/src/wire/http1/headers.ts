import type { Headers } from '../exchange.ts'

/** Flat headers as `node:http` gives them (`rawHeaders`), with the names in lower case. */
export function lowerCaseNames(raw: readonly string[]): Headers {
  const headers = raw.slice()
  for (let index = 0; index < headers.length; index += 2) headers[index] = (headers[index] as string).toLowerCase()
  return headers
}
