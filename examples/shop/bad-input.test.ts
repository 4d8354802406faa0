import assert from 'node:assert/strict'
import { after, before, beforeEach, suite, test } from 'node:test'
import { type ReachableOperation as Operation, reachableOperations } from './testing/operations.ts'
import {
  type Answer,
  expecting,
  type Json,
  newAccount,
  type RequestOptions,
  ShopClient,
} from './testing/shop-client.ts'
import { shopState } from './testing/shop-state.ts'
import { startShop } from './testing/start-shop.ts'
import { eventually, open, product, refused, type Scene } from './testing/stories/at-the-shop.ts'

const WITH_BODY = reachableOperations.filter(({ body }) => body !== undefined)
/** Whom the example of the contract registers and signs in. */
const account = WITH_BODY.find(({ path }) => path === '/users')?.body

suite('bad input', { timeout: 120_000 }, () => {
  let scene: Scene
  let productId: string
  let orderId: string
  let state: string

  before(async () => {
    scene = await open(await startShop())
    expecting(201, await scene.visitor.post('/users', account))
    productId = await product(scene)
    orderId = (await scene.customer.order({ productId, quantity: 1 })).id
    // What follows from all that has happened when nothing changes any more.
    await eventually(async () => {
      const letters = [...(await scene.customer.all('/notifications')), ...(await scene.stranger.all('/notifications'))]
      const [day] = expecting(200, await scene.clerk.get('/analytics/daily?from=2020-01-01&to=2020-01-02')).items
      return letters.length === 2 && day === undefined ? true : undefined
    })
    await calm(scene.shop.folder)
  })
  after(() => scene?.shop[Symbol.asyncDispose]())
  beforeEach(() => {
    state = shopState(scene.shop.folder)
  })

  const unchanged = (): void => assert.equal(shopState(scene.shop.folder), state, 'the state changed')
  const filled = (text: string): string => text.replace('{orderId}', orderId).replace('{productId}', productId)
  const bodyOf = ({ body }: Operation): Json => JSON.parse(filled(JSON.stringify(body)))
  const named = ({ method, path }: Operation): string => `${method} ${path.split('?')[0]}`

  function send(
    operation: Operation,
    options: RequestOptions = {},
    who: ShopClient = scene[operation.by],
  ): Promise<Answer> {
    const body = operation.body === undefined || options.rawBody !== undefined ? {} : { body: bodyOf(operation) }
    return who.request(operation.method, filled(operation.path), { ...body, ...options })
  }

  test('every operation that is described is tried', async () => {
    const { paths } = expecting(200, await scene.visitor.get('/openapi.json'))
    const described = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method.toUpperCase()} ${path.slice('/api'.length)}`),
    )
    assert.deepEqual(reachableOperations.map(named).sort(), described.sort())
  })

  for (const operation of WITH_BODY) {
    test(`${named(operation)} refuses a body that is no JSON object`, async () => {
      const bodies = ['{"a":', '', '[]', 'null', '"text"', '1', '{} {}', "{'a': 1}", '\u0000', '['.repeat(50_000)]
      const required = Object.keys(operation.body).length > operation.optional.length
      for (const rawBody of [...bodies, Buffer.from('{"name":"\xff"}', 'latin1')]) {
        if (rawBody === '' && !required) continue // nothing is what an operation without required members takes
        refused(await send(operation, { rawBody }), 400, 'invalid_argument')
      }
      unchanged()
    })

    test(`${named(operation)} refuses members of other types, unknown ones and missing ones`, async () => {
      const body = bodyOf(operation)
      for (const [name, value] of Object.entries(body)) {
        for (const wrong of [typeof value === 'string' ? 7 : 'text', null, { a: 1 }, [[1]], true].filter(
          other => typeof other !== typeof value,
        )) {
          refused(await send(operation, { body: { ...body, [name]: wrong } }), 400, 'invalid_argument')
        }
        if (operation.optional.includes(name)) continue
        const { [name]: _left, ...rest } = body
        const answer = refused(await send(operation, { body: rest }), 400, 'invalid_argument')
        assert(JSON.stringify(answer).includes(name), `${JSON.stringify(answer)} names ${name}`)
      }
      refused(await send(operation, { body: { ...body, surprise: 1 } }), 400, 'invalid_argument')
      const polluted = `{"__proto__":{"admin":true},${JSON.stringify(body).slice(1)}`.replace(',}', '}')
      refused(await send(operation, { rawBody: polluted }), 400, 'invalid_argument')
      unchanged()
    })

    test(`${named(operation)} refuses a body of more than 1 MiB, announced or not`, async () => {
      const large = JSON.stringify({ ...bodyOf(operation), padding: 'x'.repeat(1_048_576) })
      refused(await send(operation, { rawBody: large }), 413, 'resource_exhausted', 'BODY_TOO_LARGE')
      const response = await fetch(`${scene.shop.url}/api${filled(operation.path)}`, {
        method: operation.method,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${scene[operation.by].token ?? ''}` },
        body: ReadableStream.from([Buffer.from(large.slice(0, 600_000)), Buffer.from(large.slice(600_000))]),
        duplex: 'half',
      } as RequestInit)
      assert([413, 401].includes(response.status), `${response.status}`)
      await response.text()
      unchanged()
    })

    test(`${named(operation)} takes JSON alone`, async () => {
      const rawBody = JSON.stringify(bodyOf(operation))
      for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'application/jsonp'])
        refused(await send(operation, { rawBody, headers: { 'content-type': type } }), 415, 'invalid_argument')
      const headers = { 'content-encoding': 'gzip' }
      refused(await send(operation, { rawBody, headers }), 415, 'invalid_argument')
      unchanged()
    })
  }

  for (const operation of reachableOperations) {
    test(`${named(operation)} refuses a query and headers that make no sense`, async () => {
      const mark = operation.path.includes('?') ? '&' : '?'
      const strange = { ...operation, path: `${operation.path}${mark}surprise=1` }
      refused(await send(strange), 400, 'invalid_argument')
      refused(await send({ ...operation, path: `${operation.path}${mark}limit=%zz` }), 400, 'invalid_argument')
      refused(await send(operation, { headers: { 'trellis-timeout-ms': 'soon' } }), 400, 'invalid_argument')
      refused(await send(operation, { key: 'k'.repeat(1_000) }), 400, 'invalid_argument')
      unchanged()
    })

    if (operation.path.includes('{'))
      test(`${named(operation)} refuses a path that names nothing`, async () => {
        const at = (id: string): Operation => ({ ...operation, path: operation.path.replace(/\{\w+\}/, id) })
        for (const id of ['x'.repeat(65), '%00', '%zz', '%ff', '%c0%ae'])
          refused(await send(at(id)), 400, 'invalid_argument')
        // An id that nobody has is the name of something new where things are made.
        const makes = operation.others === 'permission_denied'
        for (const id of makes ? [] : ['nothing%20at%20all', '..%2f..', '%3Cscript%3E', '%F0%9F%98%80'])
          refused(await send(at(id)), 404, 'not_found')
        unchanged()
      })

    if (operation.by !== 'visitor')
      test(`${named(operation)} is not for strangers`, async () => {
        refused(await send(operation, {}, scene.visitor), 401, 'unauthenticated')
        refused(await send(operation, {}, new ShopClient(scene.shop.url, 'made.up.token')), 401, 'unauthenticated')
        if (operation.others === 'permission_denied')
          refused(await send(operation, {}, scene.stranger), 403, operation.others)
        if (operation.others === 'not_found') refused(await send(operation, {}, scene.stranger), 404, operation.others)
        unchanged()
      })
  }

  test('a refusal names the place of what is wrong', async () => {
    const items = [
      { productId, quantity: 1 },
      { productId, quantity: 0 },
    ]
    const { details } = refused(await scene.customer.post('/orders', { items }), 400, 'invalid_argument')
    assert.match(details.violations[0].path, /items(\.|\[)1\]?\.quantity/)
    unchanged()
  })

  for (const operation of reachableOperations.filter(({ keyed }) => keyed)) {
    test(`${named(operation)}, sent four times at once with one key, acts once`, async () => {
      const own = await scene.customer.order({ productId, quantity: 1 })
      const once = { ...operation, path: operation.path.replace('{orderId}', own.id) }
      const body = operation.path === '/users' ? newAccount() : bodyOf(operation)
      const rows = effects(scene.shop.folder)
      const key = `once-${operation.path}`
      const answers = await Promise.all([1, 2, 3, 4].map(() => send(once, { key, body })))
      const statuses = new Set(answers.map(({ status }) => status))
      assert.equal(statuses.size, 1, JSON.stringify(answers.map(answer => answer.body)))
      assert([200, 201, 202].includes(answers[0]?.status ?? 0), JSON.stringify(answers[0]?.body))
      for (const answer of answers) assert.deepEqual(answer.body, answers[0]?.body)
      assert.equal(effects(scene.shop.folder) - rows, 1)
      if (operation.path.endsWith('/checkout')) await scene.customer.settled(own.id)
    })
  }
})

/** How often something of what clients ask for has happened: accounts, adjustments, and the events that a request of an order makes. */
function effects(folder: string): number {
  const state = shopState(folder)
  const kinds = /"type":"(OrderCreated|ItemAdded|CheckoutStarted|OrderCancelled)"|"email":|"delta":/g
  return [...state.matchAll(kinds)].length
}

/** Waits until nothing happens any more. */
async function calm(folder: string): Promise<void> {
  let before = ''
  await eventually(async () => {
    const now = shopState(folder)
    const same = now === before
    before = now
    await new Promise(resolve => setTimeout(resolve, 200))
    return same ? true : undefined
  })
}
