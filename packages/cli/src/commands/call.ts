import { text as readText } from 'node:stream/consumers'
import type { Operation } from 'trellis/contract'
import { createRuntime, Fault, isFault } from 'trellis/kernel'
import type { CallOptions } from 'trellis/rpc'
import { createClient } from 'trellis/rpc'
import type { System } from 'trellis/system'
import { createHttpClient } from 'trellis/wire/http1'
import type { Caller } from '../call-route.ts'
import { throughGateway, toService } from '../call-route.ts'
import type { CommandDefinition } from '../command.ts'
import { command } from '../command.ts'
import { dataFolder, usedData } from '../data-folder.ts'
import { EXIT } from '../exit-code.ts'
import type { FoundOperation } from '../find-operation.ts'
import { findOperation, operationsOf } from '../find-operation.ts'
import { inputExample } from '../input-example.ts'
import { firstInterrupt, INTERRUPTED } from '../interrupts.ts'
import { loadSystem } from '../load-system.ts'
import { columns, print, printJson } from '../terminal.ts'
import { usage, wholeNumber } from '../usage.ts'

/** `trellis call` */
export const call: CommandDefinition = command({
  operands: '[OPERATION [INPUT]]',
  operandCount: [0, 2],
  about: [
    'Without OPERATION it lists them. OPERATION is a service or a contract, a dot, and a name: catalog.get, or shop.catalog.v1.Catalog.get. INPUT is a JSON object (default {}), or - to read it from stdin. A stream prints one line per item until it ends or Ctrl-C.',
    "The call goes straight to the service's own port, which it finds in the data folder of a system on this machine; with --url it goes through a gateway, which knows the exposed operations alone.",
  ],
  options: {
    url: { type: 'string', value: 'URL', about: 'through the gateway at this address, such as http://127.0.0.1:8080' },
    token: {
      type: 'string',
      value: 'TOKEN',
      about: 'the token of the user who calls (TRELLIS_TOKEN, which no list of processes shows)',
    },
    internal: { type: 'boolean', about: 'calls as a service of the system does, by the keys in the data folder' },
    key: { type: 'string', value: 'KEY', about: 'idempotency key (a new one for each call)' },
    timeout: {
      type: 'string',
      value: 'MS',
      about: "milliseconds that the call may take (the operation's own, or 5000)",
    },
    json: {
      type: 'boolean',
      about: 'the answer on one line; a failure as JSON on stderr: { code, reason, message, details? }',
    },
    system: { type: 'string', value: 'SYSTEM', about: 'the file that declares the system (system.ts)' },
    data: { type: 'string', value: 'DIR', about: 'its data folder (.trellis/NAME)' },
  },
  examples: [
    { line: 'trellis call --system examples/shop/system.ts', about: 'lists what can be called' },
    { line: `trellis call catalog.list '{"limit":2}'`, about: 'calls an operation that is open to everybody' },
    {
      line: `trellis call orders.get '{"orderId":"..."}' --token "$TOKEN" --json`,
      about: 'calls for a user, in a script',
    },
    { line: `trellis call users.get '{"userId":"..."}' --internal`, about: 'calls what only services may' },
  ],
  async run({ values, operands: [name, text] }) {
    const { system } = await loadSystem(values.system)
    const { json = false } = values
    if (name === undefined) {
      list(system, json)
      return EXIT.ok
    }
    if (values.url !== undefined && values.internal === true) {
      throw usage('--internal goes to a service of this machine; leave --url out.')
    }
    const found = findOperation(system, name)
    const input = await readInput(text)
    const runtime = createRuntime()
    await using stack = new AsyncDisposableStack()
    const http = stack.use(createHttpClient(runtime))
    const caller: Caller = { token: values.token ?? process.env.TRELLIS_TOKEN, internal: values.internal ?? false }
    const transport =
      values.url === undefined
        ? await toService(runtime, http, usedData(dataFolder(system, values.data)), caller, stack)
        : throughGateway(http, system, values.url, caller)
    const client = createClient(runtime, found.contract, { transport }) as unknown as AnyClient
    const stop = new AbortController()
    const options: CallOptions = {
      signal: stop.signal,
      ...(values.key === undefined ? {} : { idempotencyKey: values.key }),
      ...(values.timeout === undefined ? {} : { timeoutMs: wholeNumber('timeout', values.timeout, 1, 3_600_000) }),
    }
    void firstInterrupt(() => process.exit(INTERRUPTED)).then(() => stop.abort())
    const show = json ? printJson : (value: unknown) => print(JSON.stringify(value, null, 2))
    try {
      const answer = client[found.name]!(input, options)
      if (answer instanceof Promise) show(await answer)
      else for await (const item of answer) printJson(item)
      return EXIT.ok
    } catch (error) {
      if (stop.signal.aborted) return found.operation.kind === 'unary' ? INTERRUPTED : EXIT.ok
      throw json ? error : explained(error, found)
    }
  },
})

type AnyClient = Readonly<
  Record<string, (input: unknown, options: CallOptions) => Promise<unknown> | AsyncIterable<unknown>>
>

function list(system: System, json: boolean): void {
  const rows = operationsOf(system).map(({ contract, name, operation }) => ({
    operation: `${contract.service}.${name}`,
    contract: contract.name,
    http: operation.http,
    allow: allowed(operation),
    summary: operation.summary,
  }))
  if (json) for (const row of rows) printJson(row)
  else {
    const lines = rows.map(row => [row.operation, row.allow, row.http ?? '-', row.summary ?? ''])
    for (const line of columns([['OPERATION', 'WHO', 'ROUTE', ''], ...lines])) print(line)
  }
}

function allowed({ allow }: Operation): string {
  switch (allow.kind) {
    case 'permission':
      return allow.permission
    case 'own':
      return `own, or ${allow.permission}`
    default:
      return allow.kind
  }
}

async function readInput(text = '{}'): Promise<unknown> {
  const source = text === '-' ? await readText(process.stdin) : text
  try {
    const input: unknown = JSON.parse(source)
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input
  } catch (error) {
    throw usage(`The input is not JSON: ${(error as SyntaxError).message}. Put it in single quotes: '{"name":"Ada"}'.`)
  }
  throw usage(`The input must be a JSON object, such as '{"name":"Ada"}'.`)
}

/** The fault with what helps someone at a terminal: its name, the places that are wrong, and what to do next. */
function explained(error: unknown, { contract, name, operation }: FoundOperation): unknown {
  if (!isFault(error)) return error
  const lines = [`${error.reason} (${error.code}): ${error.message}`]
  if (error.details !== undefined) lines.push(`details: ${JSON.stringify(error.details)}`)
  if (error.reason === 'INVALID_INPUT')
    lines.push(`An input looks like this: ${JSON.stringify(inputExample(operation))}`)
  if (error.code === 'unauthenticated')
    lines.push('Give the token of a user with --token, or call as a service with --internal.')
  if (error.reason === 'NO_INSTANCE')
    lines.push(
      `Nothing runs that answers ${contract.service}.${name}: start it with trellis dev, or name a gateway with --url.`,
    )
  return new Fault(error.code, lines.join('\n'), { reason: error.reason, cause: error.cause })
}
