/** The answers that an OpenAPI document promises for an operation: those of success, and a problem document for everything that can fail. */
import type { FaultCode } from '../kernel/fault.ts'
import type { JsonSchema } from '../schema/schema.ts'
import { resolveShape } from '../schema/shape.ts'
import { shapeOf } from '../schema/shape-of.ts'
import type { FaultType } from './fault-type.ts'
import { statusOf } from './http-status.ts'
import type { OpenApiSchemas } from './openapi-schemas.ts'
import type { Operation } from './operation.ts'
import type { RestInput } from './rest-input.ts'

type Json = Record<string, unknown>

const PROBLEM = { $ref: '#/components/schemas/Problem' }

/** Schema of every error (RFC 9457), with the members that the platform adds. */
export const PROBLEM_SCHEMA: JsonSchema = {
  type: 'object',
  title: 'Problem',
  description: 'What went wrong (RFC 9457). Compare `code` and `reason`; read `detail`.',
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What happened, and what to do.' },
    code: { type: 'string', description: 'One of the 16 canonical codes.' },
    reason: { type: 'string', description: 'Stable name of what went wrong.', pattern: '^[A-Z][A-Z0-9_]*$' },
    details: { description: 'Data about what went wrong, by `reason`.' },
    retryable: { type: 'boolean', description: 'Whether the same call may succeed later.' },
    retryAfterMs: { type: 'number', minimum: 0, description: 'Milliseconds after which a retry makes sense.' },
    retried: { type: 'boolean', description: 'A retry has been tried already; another one would multiply.' },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'reason', 'retryable'],
}

const DESCRIPTIONS: Readonly<Record<number, string>> = {
  200: 'Done.',
  201: 'Made.',
  202: 'Accepted; what follows is under way.',
  204: 'Done; there is nothing to say.',
  400: 'The input is not as described: malformed, out of range, or with unknown members.',
  401: 'There is no valid token.',
  403: 'The caller may not do this.',
  404: 'There is no such thing, or not for the caller.',
  409: 'The present state does not allow it.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  422: 'The idempotency key was used with another body.',
  429: 'Too much is asked at once; try again after `retry-after`.',
  500: 'The service failed.',
  503: 'The service, or one that it needs, is not available; try again after `retry-after`.',
  504: 'It took longer than the deadline allows.',
}

/** Answers that are the same for every operation that has no faults of its own for the status, by their status. */
export function sharedResponses(): Readonly<Record<string, JsonSchema>> {
  const statuses = Object.keys(DESCRIPTIONS).map(Number)
  return Object.fromEntries(
    statuses.filter(status => status >= 400).map(status => [`Problem${status}`, problem(status, PROBLEM)]),
  )
}

/** The `responses` of an operation. */
export function responsesOf(operation: Operation, input: RestInput, schemas: OpenApiSchemas, hint: string): JsonSchema {
  const responses: Json = {}
  for (const status of operation.statuses) responses[status] = success(operation, status, schemas, hint)
  if (operation.sse?.resume !== undefined) {
    responses[204] ??= { description: 'Everything has been read: the stream resumed after its last event.' }
  }
  const faults = new Map<number, FaultType[]>()
  for (const status of platformStatuses(operation, input)) faults.set(status, [])
  for (const type of Object.values(operation.faults)) {
    const status = statusOf(type.code, type.reason)
    faults.set(status, [...(faults.get(status) ?? []), type])
  }
  for (const [status, declared] of faults) {
    responses[status] =
      declared.length === 0 && DESCRIPTIONS[status] !== undefined
        ? { $ref: `#/components/responses/Problem${status}` }
        : problem(status, declaredProblem(declared, schemas, hint), declared)
  }
  return responses
}

/** Statuses of what can fail whatever the handler does. */
function platformStatuses(operation: Operation, input: RestInput): number[] {
  const statuses = [400, 401]
  if (operation.allow.kind !== 'public' && operation.allow.kind !== 'signed-in') statuses.push(403)
  if (operation.allow.kind === 'own' || input.pattern.parameters.length > 0) statuses.push(404)
  if (!operation.readonly) statuses.push(409)
  if (input.pattern.hasBody) statuses.push(413, 415)
  if (operation.idempotent === 'key') statuses.push(422)
  statuses.push(429, 500, 503, 504)
  return statuses.sort((a, b) => a - b)
}

function success(operation: Operation, status: number, schemas: OpenApiSchemas, hint: string): JsonSchema {
  const description = DESCRIPTIONS[status]!
  if (status === 204) return { description }
  const schema = schemas.add(operation.output, 'response', `${hint}Output`)
  if (operation.kind !== 'server-stream') return { description, content: { 'application/json': { schema } } }
  return {
    description: 'A stream that goes on until it is over or the reader leaves.',
    content: {
      'text/event-stream': {
        schema: { type: 'string', description: 'Server-sent events; `data` is one item as JSON.' },
        'x-item': schema,
      },
      'application/x-ndjson': {
        schema: { type: 'string', description: 'One item as JSON on each line.' },
        'x-item': schema,
      },
    },
  }
}

function problem(status: number, schema: JsonSchema, declared: readonly FaultType[] = []): JsonSchema {
  const description = DESCRIPTIONS[status] ?? 'The call failed.'
  const named = declared.map(({ reason, message }) => `\n- \`${reason}\`: ${message}`).join('')
  const retryAfter = { 'retry-after': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 0 } } }
  return {
    description: named === '' ? description : `${description}\n${named}`,
    ...(status === 429 || status === 503 ? { headers: retryAfter } : {}),
    content: { 'application/problem+json': { schema } },
  }
}

/** Any problem, and more exactly those that are declared: the platform's own reasons may come with the same status. */
function declaredProblem(declared: readonly FaultType[], schemas: OpenApiSchemas, hint: string): JsonSchema {
  if (declared.length === 0) return PROBLEM
  const exact = declared.map(type => ({
    title: type.reason,
    allOf: [PROBLEM, { type: 'object', ...exactMembers(type, schemas, hint) }],
  }))
  return { anyOf: [...exact, PROBLEM] }
}

function exactMembers(type: FaultType, schemas: OpenApiSchemas, hint: string): Json {
  const constants = { code: { const: type.code satisfies FaultCode }, reason: { const: type.reason } }
  if (type.details === undefined) return { properties: constants }
  const details = schemas.add(type.details, 'response', `${hint}${type.reason}`)
  const empty = resolveShape(shapeOf(type.details))
  const required = empty.kind === 'object' && empty.members.size === 0 ? [] : ['details']
  return { properties: { ...constants, details }, required }
}
