import type { Operation } from 'trellis/contract'
import { parseHttpPattern } from 'trellis/contract'
import type { GatewayOptions } from 'trellis/gateway'
import { inputExample } from './input-example.ts'

/** Lines that show a newcomer how the API is called: one that reads, one that writes, and the description of all. None needs an account. */
export function linesToTry(gateway: GatewayOptions, url: string): string[] {
  const base = `${url}${gateway.basePath ?? '/api'}`
  const open = gateway.routes
    .flatMap(({ contract, operations }) => operations.map(name => contract.operations[name] as Operation))
    .filter(({ allow, kind }) => allow.kind === 'public' && kind === 'unary')
  const reads = open.filter(operation => operation.readonly)
  // Without parameters it answers with something whatever is there; a name such as `.well-known` is for machines.
  const read = reads.find(({ http }) => !/[{]|\/\./.test(http ?? '')) ?? reads[0]
  const write = open.find(operation => !operation.readonly)
  const lines = [read, write].flatMap(operation => (operation === undefined ? [] : [curlLine(base, operation)]))
  return gateway.docs === false ? lines : [...lines, `curl ${base}/openapi.json`]
}

/** A `curl` command that calls an operation with an example of its input. */
export function curlLine(base: string, operation: Operation): string {
  const { method, segments, parameters, hasBody } = parseHttpPattern(operation.http as string)
  const input = inputExample(operation)
  const path = segments.map(
    part => `/${part.kind === 'literal' ? part.text : encodeURIComponent(String(input[part.name]))}`,
  )
  const target = quoted(`${base}${path.join('')}`)
  if (!hasBody) return method === 'GET' ? `curl ${target}` : `curl -X ${method} ${target}`
  const rest = Object.entries(input).filter(([name]) => !parameters.includes(name))
  const verb = method === 'POST' ? '' : `-X ${method} `
  return `curl ${verb}${target} -H 'content-type: application/json' -d ${quoted(JSON.stringify(Object.fromEntries(rest)))}`
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w:/.,@%+=~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
