import type { Shape } from '../schema/shape.ts'
import { resolveShape } from '../schema/shape.ts'
import { parseHttpPattern } from './http-pattern.ts'
import { checkMessageSchema } from './message-schema.ts'
import type { OperationKind, OperationOptions, SseMembers } from './operation.ts'
import { restInput } from './rest-input.ts'

const STATUSES: ReadonlySet<number> = new Set([200, 201, 202, 204])

/**
 * Checks what an operation is declared with, so that a mistake shows at the declaration. Throws a `TypeError` or `RangeError`. Gives
 * whether the output has no members.
 */
export function checkOperation<I, O>(kind: OperationKind, options: OperationOptions<I, O>): boolean {
  const name = options.http ?? options.summary ?? `a ${kind} operation`
  const input = checkMessageSchema(options.input, `The input of '${name}'`, 'strict')
  const output = checkMessageSchema(options.output, `The output of '${name}'`, 'tolerant')
  if (options.http !== undefined) {
    if (kind === 'client-stream' || kind === 'bidi-stream') {
      throw new TypeError(`'${name}': a stream of inputs has no REST form; leave http out.`)
    }
    restInput({ http: options.http, input: options.input })
    checkRepetition(options.http, options)
  }
  if (options.sse !== undefined) checkSse(name, kind, options.sse, input, output)
  if (options.timeoutMs !== undefined && !(Number.isFinite(options.timeoutMs) && options.timeoutMs > 0)) {
    throw new RangeError(`'${name}': timeoutMs is ${options.timeoutMs}; give milliseconds above 0.`)
  }
  const empty = kind === 'unary' && output.kind === 'object' && output.members.size === 0
  checkStatuses(name, options.status, empty, kind)
  return empty
}

function checkSse(name: string, kind: OperationKind, sse: SseMembers, input: Shape, output: Shape): void {
  if (kind !== 'server-stream') throw new TypeError(`'${name}': only a server stream has SSE events; leave sse out.`)
  for (const path of [sse.event, sse.id]) {
    if (path !== undefined && !hasMember(output, path)) {
      throw new TypeError(`'${name}': sse names '${path}', but the items of the stream have no such string or integer.`)
    }
  }
  for (const member of sse.data ?? []) {
    if (output.kind !== 'object' || !output.members.has(member)) {
      throw new TypeError(`'${name}': sse puts '${member}' into data, but the items of the stream have no such member.`)
    }
  }
  if (sse.resume === undefined) return
  const resume = input.kind === 'object' ? input.members.get(sse.resume) : undefined
  if (resume === undefined || resume.required || !hasMember(input, sse.resume)) {
    throw new TypeError(
      `'${name}': sse resumes by '${sse.resume}', which must be an optional string or integer of the input.`,
    )
  }
}

/** Whether a path with dots leads to a string or an integer, in any variant of a union. */
function hasMember(shape: Shape, path: string): boolean {
  const resolved = resolveShape(shape)
  if (resolved.kind === 'json' || resolved.kind === 'record') return true
  if (resolved.kind === 'union') return [...resolved.variants.values()].some(variant => hasMember(variant, path))
  if (resolved.kind !== 'object') return false
  const dot = path.indexOf('.')
  const member = resolved.members.get(dot < 0 ? path : path.slice(0, dot))
  if (member === undefined) return false
  return dot < 0 ? /^(string|integer|json)$/.test(member.shape.kind) : hasMember(member.shape, path.slice(dot + 1))
}

function checkRepetition(http: string, options: OperationOptions<unknown, unknown>): void {
  const get = parseHttpPattern(http).method === 'GET'
  if (get && options.readonly === false) throw new TypeError(`'${http}': GET changes nothing (RFC 9110, 9.2.1).`)
  if (options.idempotent === 'key' && (get || options.readonly === true)) {
    throw new TypeError(`'${http}': what changes nothing needs no idempotency key; leave idempotent out.`)
  }
}

function checkStatuses(
  name: string,
  status: number | readonly number[] | undefined,
  empty: boolean,
  kind: OperationKind,
): void {
  if (status === undefined) return
  const statuses = typeof status === 'number' ? [status] : status
  if (statuses.length === 0 || new Set(statuses).size < statuses.length || !statuses.every(one => STATUSES.has(one))) {
    throw new RangeError(`'${name}': status is ${JSON.stringify(status)}; give 200, 201, 202 or 204, each once.`)
  }
  if (kind === 'unary' && statuses.includes(204) && !empty) {
    throw new TypeError(`'${name}': 204 has no body, but the output has members; give another status or z.object({}).`)
  }
}
