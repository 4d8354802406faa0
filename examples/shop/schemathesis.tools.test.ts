import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { requireTool } from '../../scripts/tool-cache.ts'
import { type Failure, type Findings, type RunOptions, runSchemathesis } from './testing/schemathesis.ts'
import { expecting } from './testing/shop-client.ts'
import { startShop } from './testing/start-shop.ts'
import { open, product, type Scene } from './testing/stories/at-the-shop.ts'

const command = requireTool('schemathesis', 'the shop tested from its OpenAPI document by schemathesis')

/**
 * Refusals of requests that are valid by the schema. Each is declared for its operation; JSON Schema has no words for what it rests on. Only these
 * reasons, only for this check: any other refusal of a valid request is a finding.
 */
const BEYOND_SCHEMA: Readonly<Record<string, { readonly status: number; readonly because: string }>> = {
  IDEMPOTENCY_KEY_REUSED: { status: 422, because: 'whether a key was used before is a matter of what was sent before' },
  INVALID_CURSOR: { status: 400, because: 'a cursor is opaque: those that a page gave are valid, and no others' },
  INVALID_PERIOD: { status: 400, because: 'one date is after the other' },
}

/** Streams of what is to come. They have no end of their own: a run of its own gives them that of its deadline. */
const ENDLESS = '/changes$|/stream$'

suite('the shop is what its OpenAPI document says', { skip: command === undefined, timeout: 230_000 }, () => {
  let scene: Scene
  let folder: string
  let known: NonNullable<RunOptions['known']>
  let routes: number

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trellis-schemathesis-'))
    // A line for each refused sign-in would drown what the test says.
    scene = await open(await startShop({ environment: { TRELLIS_LOG_LEVEL: 'error' } }))
    const { customer } = scene
    const productId = await product(scene)
    const order = async (): Promise<string> => (await customer.order({ productId, quantity: 2 })).id
    const [open_, cancelled, confirmed, declined] = [await order(), await order(), await order(), await order()]
    expecting(200, await customer.post(`/orders/${cancelled}/cancel`, { reason: 'No more.' }))
    await customer.checkOut(confirmed)
    await customer.checkOut(declined, 'pm_declined')
    for (const id of [confirmed, declined]) await customer.settled(id)
    known = { orderId: [open_, cancelled, confirmed, declined], productId: [productId, 'p-002'] }
    const { paths } = expecting(200, await scene.visitor.get('/openapi.json'))
    routes = Object.values<object>(paths).flatMap(methods => Object.keys(methods)).length
  })
  after(async () => {
    await scene?.shop[Symbol.asyncDispose]()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  const run = (token: string | undefined, ...args: readonly string[]): Promise<Findings> =>
    runSchemathesis({ command: command as string, url: scene.shop.url, token, known, args, folder, timeoutMs: 170_000 })

  test('to an admin, who may do everything: each parameter by itself, at random, and in sequences', async () => {
    const found = await run(scene.admin.token, '--max-examples', '12', '--exclude-path-regex', ENDLESS)
    nothingWrong(found)
    assert.equal(found.tested, routes - 2, 'all but the endless streams')
    for (const check of CHECKS) assert((found.checks.get(check) ?? 0) > 500, `${check}: ${found.checks.get(check)}`)
    for (const route of REACHED.admin) assert(found.succeeded.has(route), `${route} never succeeded`)
  })

  for (const who of ['customer', 'clerk'] as const) {
    test(`to a ${who}: at random`, async () => {
      const found = await run(
        scene[who].token,
        ...['--max-examples', '15', '--phases', 'examples,fuzzing', '--exclude-path-regex', ENDLESS],
      )
      nothingWrong(found)
      assert.equal(found.tested, routes - 2, 'all but the endless streams')
      for (const route of REACHED[who]) assert(found.succeeded.has(route), `${route} never succeeded`)
    })
  }

  test('to a visitor: at random', async () => {
    const found = await run(undefined, '--max-examples', '5', '--phases', 'fuzzing', '--exclude-path-regex', ENDLESS)
    nothingWrong(found)
  })

  test('where it streams, until the deadline of who reads', async () => {
    const found = await runSchemathesis({
      ...{ command: command as string, url: scene.shop.url, token: scene.customer.token, known, folder },
      ...{ deadlineMs: 1_000, timeoutMs: 170_000 },
      args: ['--max-examples', '6', '--phases', 'coverage,fuzzing', '--include-path-regex', ENDLESS],
    })
    nothingWrong(found)
    assert.equal(found.tested, 2)
    for (const route of STREAMS) assert(found.succeeded.has(route), `${route} never succeeded`)
  })
})

/** All that schemathesis has for a single request; each is made for most of them. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'positive_data_acceptance',
  'missing_required_header',
  'unsupported_method',
  'allow_header_conformance',
  'use_after_free',
  'ensure_resource_availability',
  'ignored_auth',
] as const

const PUBLIC = ['GET /api/products', 'GET /api/products/{productId}', 'GET /api/stock/{productId}', 'POST /api/users']
const OWN = [
  ...PUBLIC,
  'GET /api/users/me',
  'PATCH /api/users/me',
  'POST /api/orders',
  'GET /api/orders',
  'GET /api/orders/{orderId}',
  'GET /api/orders/{orderId}/history',
  'GET /api/notifications',
]
const STAFF = [
  ...OWN,
  'PUT /api/products/{productId}',
  'POST /api/stock/{productId}/adjustments',
  'GET /api/analytics/daily',
]

const STREAMS = ['GET /api/orders/{orderId}/changes', 'GET /api/notifications/stream']

/** Where success must be seen, so that more than refusals is looked at. */
const REACHED = {
  customer: [...OWN, 'GET /api/payments/{orderId}'],
  clerk: STAFF,
  admin: [...STAFF, 'GET /api/users', 'GET /api/payments/{orderId}'],
} as const

function nothingWrong({ failures, troubles }: Findings): void {
  assert.deepEqual(troubles, [])
  const findings = failures.filter(failure => !isBeyondSchema(failure))
  assert.equal(findings.length, 0, JSON.stringify(findings.slice(0, 5), undefined, 2))
}

function isBeyondSchema({ check, status, reason }: Failure): boolean {
  return check === 'positive_data_acceptance' && BEYOND_SCHEMA[reason ?? '']?.status === status
}
