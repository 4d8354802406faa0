import type { JsonSchema } from '../schema/schema.ts'
import type { Contract } from './contract.ts'
import { methodName } from './contract.ts'
import { PROBLEM_SCHEMA, responsesOf, sharedResponses } from './openapi-responses.ts'
import { OpenApiSchemas } from './openapi-schemas.ts'
import type { Operation } from './operation.ts'
import type { RestInput } from './rest-input.ts'
import { restInput } from './rest-input.ts'

/** What a document says about itself. */
export interface OpenApiOptions {
  readonly title: string
  /** Version of the described API, such as `1.4.0`. */
  readonly version: string
  readonly description?: string
  /** Where the API is served. Default: where the document is. */
  readonly servers?: readonly { readonly url: string; readonly description?: string }[]
  /** Put before every path, such as `/api`. Default: nothing. */
  readonly basePath?: string
}

/** An OpenAPI 3.1 document. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly servers?: readonly { readonly url: string; readonly description?: string }[]
  readonly tags: readonly { readonly name: string; readonly description?: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonSchema>>>>
  readonly components: JsonSchema
}

type Json = Record<string, unknown>

/**
 * Describes the REST operations of contracts (https://spec.openapis.org/oas/v3.1.0). Operations without a route and those for other
 * services only are left out. Requests are closed to unknown members and responses open, as the platform reads them. Throws a `TypeError`
 * when two operations have one route.
 *
 * @example
 * const document = toOpenApi([Orders, Catalog], { title: 'Shop', version: '1.0.0', basePath: '/api' })
 */
export function toOpenApi(contracts: readonly Contract[], options: OpenApiOptions): OpenApiDocument {
  const schemas = new OpenApiSchemas()
  const paths: Record<string, Record<string, JsonSchema>> = {}
  const tags = new Map<string, string | undefined>()
  const shortNames = contracts.map(({ name }) => shortName(name))
  contracts.forEach((contract, index) => {
    const short = shortNames[index]!
    const tag = shortNames.indexOf(short) === shortNames.lastIndexOf(short) ? short : contract.name
    for (const [name, operation] of Object.entries(contract.operations)) {
      if (operation.http === undefined || operation.allow.kind === 'internal') continue
      tags.set(tag, contract.description)
      const input = restInput(operation)
      const path = `${options.basePath ?? ''}${input.pattern.path}`
      const method = input.pattern.method.toLowerCase()
      paths[path] ??= {}
      if (paths[path][method] !== undefined) {
        throw new TypeError(
          `${contract.name}/${name}: another operation has the route ${input.pattern.method} ${path}.`,
        )
      }
      paths[path][method] = describe(operation, input, schemas, { tag, name })
    }
  })
  return {
    openapi: '3.1.0',
    info: {
      title: options.title,
      version: options.version,
      ...(options.description === undefined ? {} : { description: options.description }),
    },
    ...(options.servers === undefined ? {} : { servers: options.servers }),
    tags: [...tags].map(([name, description]) => (description === undefined ? { name } : { name, description })),
    paths,
    components: {
      schemas: { ...schemas.components, Problem: PROBLEM_SCHEMA },
      responses: sharedResponses(),
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  }
}

function describe(
  operation: Operation,
  input: RestInput,
  schemas: OpenApiSchemas,
  named: { readonly tag: string; readonly name: string },
): JsonSchema {
  const hint = `${shortName(named.tag)}${methodName(named.name)}`
  const parameters = parametersOf(operation, input, schemas, hint)
  const body = requestBody(operation, input, schemas, hint)
  const description = descriptionOf(operation)
  return {
    operationId: `${named.tag}.${named.name}`,
    tags: [named.tag],
    ...(operation.summary === undefined ? {} : { summary: operation.summary }),
    ...(description === '' ? {} : { description }),
    ...(operation.deprecated === undefined ? {} : { deprecated: true }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: responsesOf(operation, input, schemas, hint),
    security: operation.allow.kind === 'public' ? [] : [{ bearer: [] }],
  }
}

function descriptionOf(operation: Operation): string {
  const parts = [
    operation.description,
    operation.deprecated === undefined ? undefined : `Deprecated: ${operation.deprecated}`,
  ]
  if (operation.allow.kind === 'permission') parts.push(`Needs the permission \`${operation.allow.permission}\`.`)
  if (operation.allow.kind === 'own') {
    parts.push(`The owner may; others need the permission \`${operation.allow.permission}\`.`)
  }
  return parts.filter(part => part !== undefined).join('\n\n')
}

function parametersOf(operation: Operation, input: RestInput, schemas: OpenApiSchemas, hint: string): Json[] {
  const { parameters, hasBody } = input.pattern
  const parts =
    parameters.length + input.queryMembers.size === 0 ? undefined : schemas.members(operation.input, 'request', hint)
  const [example] = (parts?.object.examples ?? []) as readonly Json[]
  const parameter = (name: string): Json => ({
    ...described(asText(parts!.of(name))),
    ...(example?.[name] === undefined ? {} : { example: example[name] }),
  })
  const result: Json[] = []
  for (const name of parameters) result.push({ name, in: 'path', required: true, ...parameter(name) })
  if (!hasBody) {
    for (const [name, { required }] of input.queryMembers) {
      result.push({ name, in: 'query', ...(required ? { required } : {}), ...parameter(name) })
    }
  }
  if (operation.idempotent === 'key') {
    result.push({
      name: 'idempotency-key',
      in: 'header',
      description: 'Repeated calls with one key act once; a repetition gets the first answer.',
      schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$' },
    })
  }
  if (operation.sse?.resume !== undefined) {
    result.push({
      name: 'last-event-id',
      in: 'header',
      description: 'Resumes the stream after this event.',
      schema: { type: 'string' },
    })
  }
  return result
}

/** In a path or query everything is text already, so that an integer has no second form. */
function asText(schema: JsonSchema): JsonSchema {
  const items = schema.items
  const result: Json =
    typeof items === 'object' && items !== null ? { ...schema, items: asText(items as JsonSchema) } : { ...schema }
  if (Array.isArray(result.type) && result.type.includes('integer')) {
    result.type = 'integer'
    delete result.pattern
  }
  return result
}

/** Documents read descriptions of parameters beside the schema. */
function described(schema: JsonSchema): Json {
  const { description, ...rest } = schema
  return typeof description === 'string' ? { description, schema: rest } : { schema }
}

function requestBody(
  operation: Operation,
  input: RestInput,
  schemas: OpenApiSchemas,
  hint: string,
): JsonSchema | undefined {
  if (!input.pattern.hasBody) return undefined
  const parameters = new Set(input.pattern.parameters)
  if (parameters.size === 0) return content(schemas.add(operation.input, 'request', hint), needsBody(input))
  if (input.bodyMembers.size === 0) return undefined
  const { object } = schemas.members(operation.input, 'request', hint)
  const own = withoutMembers(object, parameters, one => schemas.resolve(one, operation.input))
  return content(schemas.convert(own, operation.input, 'request', hint), needsBody(input))
}

function needsBody(input: RestInput): boolean {
  return [...input.bodyMembers.values()].some(member => member.required)
}

function content(schema: JsonSchema, required: boolean): JsonSchema {
  return { ...(required ? { required } : {}), content: { 'application/json': { schema } } }
}

/** The members that are not in the path. They are no component of their own, whatever the whole is called. */
function withoutMembers(
  schema: JsonSchema,
  names: ReadonlySet<string>,
  resolve: (schema: JsonSchema) => JsonSchema,
): JsonSchema {
  const { title: _title, $defs: _defs, ...rest } = resolve(schema)
  const variants = rest.oneOf ?? rest.anyOf
  if (Array.isArray(variants)) {
    return {
      ...rest,
      [rest.oneOf === undefined ? 'anyOf' : 'oneOf']: variants.map(one => withoutMembers(one, names, resolve)),
    }
  }
  const without = (object: Json): Json =>
    Object.fromEntries(Object.entries(object).filter(([name]) => !names.has(name)))
  const required = ((rest.required ?? []) as readonly string[]).filter(name => !names.has(name))
  const { required: _required, examples, ...others } = rest
  return {
    ...others,
    properties: without((rest.properties ?? {}) as Json),
    ...(required.length === 0 ? {} : { required }),
    ...(Array.isArray(examples) ? { examples: (examples as readonly Json[]).map(without) } : {}),
  }
}

function shortName(contract: string): string {
  return contract.slice(contract.lastIndexOf('.') + 1)
}
