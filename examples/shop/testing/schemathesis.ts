/** Runs schemathesis (https://schemathesis.readthedocs.io) against a shop and reads what it found. */
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Json } from './shop-client.ts'

/** What a run is made with. */
export interface RunOptions {
  /** Where schemathesis lies. */
  readonly command: string
  /** Where the shop listens. */
  readonly url: string
  /** Sent as `authorization: Bearer`. */
  readonly token: string | undefined
  /** Ids that exist, so that requests reach what is behind 404. */
  readonly known?: { readonly orderId: readonly string[]; readonly productId: readonly string[] }
  /** Milliseconds that a request may take. Default 60,000: that a machine is busy with other tests says nothing about the document. */
  readonly deadlineMs?: number
  /** Further arguments. */
  readonly args: readonly string[]
  /** For its configuration and its reports. */
  readonly folder: string
  readonly timeoutMs: number
}

/** A check that failed. */
export interface Failure {
  readonly check: string
  readonly request: string
  readonly body: string
  readonly status: number | undefined
  readonly reason: string | undefined
  readonly answer: string
  readonly message: string
}

/** What a run found. */
export interface Findings {
  /** Every failed check; schemathesis itself prints one of each kind. */
  readonly failures: readonly Failure[]
  /** How often each check was made. */
  readonly checks: ReadonlyMap<string, number>
  /** Routes with an answer of success, such as `GET /api/orders`. */
  readonly succeeded: ReadonlySet<string>
  readonly tested: number
  /** What kept it from testing something; empty when all went well. */
  readonly troubles: readonly string[]
}

/** Makes all checks that schemathesis has, with the same inputs in each run. */
export async function runSchemathesis(options: RunOptions): Promise<Findings> {
  const { command, url, token, args, folder, timeoutMs } = options
  const at = (name: string): string => join(folder, name)
  await writeFile(at('schemathesis.toml'), configuration(options))
  const child = spawn(
    command,
    [
      '--no-color',
      ...['--config-file', at('schemathesis.toml')],
      ...['run', `${url}/api/openapi.json`],
      ...['--checks', 'all', '--generation-deterministic', '--continue-on-failure', '--workers', '1'],
      ...['--report', 'json,ndjson', '--report-json-path', at('run.json'), '--report-ndjson-path', at('run.ndjson')],
      ...args,
    ],
    { cwd: folder, env: { ...process.env, SHOP_TOKEN: token }, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs },
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (said += data))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  // 1: checks failed, which the reports tell in full.
  if (code !== 0 && code !== 1) throw new Error(`schemathesis ended with ${code}:\n${said.slice(-4_000)}`)
  const summary = JSON.parse(await readFile(at('run.json'), 'utf8'))
  return {
    ...scenarios((await readFile(at('run.ndjson'), 'utf8')).split('\n')),
    tested: summary.operations.tested,
    troubles: [
      ...(summary.stop_reason === 'completed' ? [] : [`it stopped: ${summary.stop_reason}`]),
      ...summary.errors.map((error: Json) => JSON.stringify(error)),
      ...BLIND.flatMap(name => summary.warnings[name].map((operation: string) => `${name}: ${operation}`)),
    ],
  }
}

/** Warnings after which less was tested than the document says. */
const BLIND = [
  'base_url_mismatch',
  'missing_deserializer',
  'unmatched_filter',
  'unresolvable_reference',
  'unsupported_regex',
  'unused_openapi_auth',
] as const

function configuration({ token, known, deadlineMs = 60_000 }: RunOptions): string {
  const bound = Object.entries(known ?? {})
  return [
    '[headers]',
    `"trellis-timeout-ms" = "${deadlineMs}"`,
    ...(token === undefined ? [] : ['[auth.openapi]', `bearer = { bearer = "\${SHOP_TOKEN}" }`]),
    ...bound.flatMap(([name, values]) => [`[dictionaries.${name}]`, `values = ${JSON.stringify(values)}`]),
    '[parameters]',
    ...bound.map(([name]) => `"path.${name}" = { dictionary = "${name}", probability = 0.6 }`),
    '',
  ].join('\n')
}

function scenarios(lines: readonly string[]): Pick<Findings, 'failures' | 'checks' | 'succeeded'> {
  const failures: Failure[] = []
  const checks = new Map<string, number>()
  const succeeded = new Set<string>()
  for (const line of lines) {
    const recorder = line === '' ? undefined : JSON.parse(line).ScenarioFinished?.recorder
    for (const [id, made] of Object.entries<Json[]>(recorder?.checks ?? {})) {
      const { request, response } = recorder.interactions[id]
      const { method, path } = recorder.cases[id].value
      if (response?.status_code < 300) succeeded.add(`${method} ${path}`)
      for (const { name, status, failure_info } of made) {
        checks.set(name, (checks.get(name) ?? 0) + 1)
        if (status !== 'success')
          failures.push(toFailure(name, request, response, failure_info?.failure?.message ?? status))
      }
    }
  }
  return { failures, checks, succeeded }
}

function toFailure(check: string, request: Json, response: Json, message: string): Failure {
  const answer = text(response?.content)
  return {
    check,
    request: `${request.method} ${request.uri} ${JSON.stringify(request.headers)}`.slice(0, 600),
    body: text(request.body).slice(0, 600),
    status: response?.status_code,
    reason: /"reason":"([A-Z_]+)"/.exec(answer)?.[1],
    answer: answer.slice(0, 600),
    message,
  }
}

function text(content: { readonly $base64?: string } | null | undefined): string {
  return Buffer.from(content?.$base64 ?? '', 'base64').toString()
}
