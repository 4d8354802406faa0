import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CallContext, createRuntime, isFault } from 'trellis/kernel'
import type { HttpServer } from 'trellis/wire/http1'
import { createHttpClient, createHttpServer } from 'trellis/wire/http1'
import { Provider } from './provider.ts'

const runtime = createRuntime()
let answer: { status: number; body: string } = { status: 200, body: '' }
let server: HttpServer
let provider: Provider

before(async () => {
  server = createHttpServer(runtime, {
    handler: exchange => exchange.reply(answer.status, ['content-type', 'application/json'], answer.body),
  })
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  provider = new Provider(createHttpClient(runtime), `http://127.0.0.1:${port}`)
})

after(async () => {
  await provider.close()
  await server.close()
})

const charge = { key: 'k', reference: 'r', amount: 1, currency: 'EUR', method: 'pm_ok' }
const refund = { key: 'k', charge: 'c', amount: 1, currency: 'EUR' }
const context = (): CallContext => new CallContext(runtime, { timeoutMs: 5_000 })

for (const [what, given] of [
  ['JSON that was cut short', { status: 200, body: '{"key":"k","sta' }],
  ['an answer of another shape', { status: 200, body: '{"what":1}' }],
  ['a page of a proxy', { status: 502, body: '<html>' }],
  ['not found', { status: 404, body: '{}' }],
] as const) {
  test(`${what} leaves the outcome of a charge and of a refund unknown`, async () => {
    answer = given
    const unknown = (error: unknown): boolean => isFault(error, 'PROVIDER_UNAVAILABLE') && error.code === 'unavailable'
    await assert.rejects(provider.charge(charge, context()), unknown)
    await assert.rejects(provider.refund(refund, context()), unknown)
  })
}

test('a charge that the provider never had is not found, and a clear answer is taken', async () => {
  answer = { status: 404, body: '{}' }
  assert.equal(await provider.find('k', context()), undefined)
  answer = { status: 200, body: '{"key":"k","status":"declined"}' }
  assert.equal(await provider.charge(charge, context()), 'declined')
  assert.equal(await provider.find('k', context()), 'declined')
})

test('a refund that the provider refuses is for a person, not for another try', async () => {
  answer = { status: 409, body: '{}' }
  await assert.rejects(
    provider.refund(refund, context()),
    fault => isFault(fault, 'PROVIDER_REFUSED') && !fault.retryable,
  )
})
